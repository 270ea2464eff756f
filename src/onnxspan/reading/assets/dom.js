// Elements and figures. Text from a trace only ever becomes a text node.
const $ = (id) => document.getElementById(id);

// Controls and direction marks are shown as escapes, so that a name cannot pose as another.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;
const visible = (text) =>
  String(text).replace(HIDDEN, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

// el("p.quiet", {title: ...}, "text", child): handlers are functions, texts become text nodes.
function el(what, attributes, ...children) {
  const [tag, ...classes] = what.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") node.addEventListener(key, value);
    else if (value !== undefined && value !== null) node.setAttribute(key, value);
  }
  if (tag === "pre") node.tabIndex = 0; // it may scroll, and keys scroll what has the focus
  for (const child of children.flat(Infinity))
    if (child !== null && child !== undefined)
      node.append(child instanceof Node ? child : document.createTextNode(visible(child)));
  return node;
}

function svg(tag, attributes, text) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = visible(text);
  return node;
}

// As Python's reading/figures.py: three significant digits, an exact half goes to the even digit.
function fixed(value, digits) {
  const scaled = value * 10 ** digits;
  const below = Math.floor(scaled);
  return (scaled - below === 0.5 && below % 2 === 0 ? below / 10 ** digits : value).toFixed(digits);
}
function three(value) {
  for (const [limit, digits] of [[10, 2], [100, 1]]) if (Number(fixed(value, digits)) < limit) return fixed(value, digits);
  return Number(fixed(value, 0)).toLocaleString("en");
}
function time(ns) {
  const seconds = ns / 1e9;
  for (const [limit, factor, unit] of [[1, 1e3, "ms"], [600, 1, "s"], [7200, 1 / 60, "min"]])
    if (seconds < limit) return `${three(seconds * factor)} ${unit}`;
  return `${three(seconds / 3600)} h`;
}
function bytes(value) {
  let size = Math.abs(value);
  const sign = value < 0 ? "-" : "";
  if (size < 1024) return `${sign}${fixed(size, 0)} B`;
  for (const unit of ["KiB", "MiB", "GiB"]) {
    size /= 1024;
    if (size < 1000) return `${sign}${three(size)} ${unit}`;
  }
  return `${sign}${three(size / 1024)} TiB`;
}
const count = (value) => Number(value).toLocaleString("en");
const signed = (value, show) => (value > 0 ? "+" : value < 0 ? "−" : "") + show(Math.abs(value));

// The little Markdown that explanations are written in: paragraphs, lists, fences, `code`.
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) =>
    part.startsWith("`") ? el("code", {}, part.slice(1, -1))
      : part.startsWith("**") ? el("b", {}, part.slice(2, -2)) : part);
}
function markdown(text) {
  const out = [];
  text.split(/^(```[\s\S]*?^```)/m).forEach((part) => {
    if (part.startsWith("```")) {
      out.push(el("pre", {}, part.replace(/^```.*\n/, "").replace(/\n?```$/, "")));
      return;
    }
    for (const block of part.split(/\n\s*\n/).map((b) => b.trim()).filter(Boolean))
      if (/^[-*] /.test(block))
        out.push(el("ul", {}, block.split(/\n(?=[-*] )/).map((item) => el("li", {}, inline(item.slice(2))))));
      else out.push(el("p", {}, inline(block)));
  });
  return out;
}

// With buttons: a line of a graph is longer than its column.
function diff(text) {
  const kinds = { "+": "span.add", "-": "span.del", "@": "span.at" };
  const pre = el("pre.diff", {}, text.split("\n").map((line) => el(kinds[line[0]] || "span", {}, line || " ")));
  const wrap = el("button.tool", { "aria-pressed": "false", click: () => wrap.setAttribute("aria-pressed", String(pre.classList.toggle("wrapped"))) }, "Wrap lines");
  return el("div.texts", {}, el("div.buttons", {}, wrap, el("button.tool", { click: (event) => copy(event.target, text) }, "Copy")), pre);
}
