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

const digits = (value) => (value >= 100 ? 0 : value >= 10 ? 1 : 2);
function time(ns) {
  if (ns >= 60e9) return `${Math.floor(ns / 60e9)} min ${((ns % 60e9) / 1e9).toFixed(0)} s`;
  for (const [size, unit] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]])
    if (ns >= size) return `${(ns / size).toFixed(digits(ns / size))} ${unit}`;
  return `${Math.round(ns)} ns`;
}
function bytes(value) {
  const size = Math.abs(value);
  for (const [scale, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]])
    if (size >= scale) return `${(value / scale).toFixed(digits(size / scale))} ${unit}`;
  return `${value} B`;
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

function diff(text) {
  const kinds = { "+": "span.add", "-": "span.del", "@": "span.at" };
  return el("pre.diff", { tabindex: "0" }, text.split("\n").map((line) => el(kinds[line[0]] || "span", {}, line || " ")));
}
