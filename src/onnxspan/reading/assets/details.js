// Beside the waterfall: what the selected span is, did, and says.
const SIZES = /\.(size|size_change|rss|growth|peak|peak_growth)$/;

function shownValue(key, value) {
  if (typeof value === "number" && key === K.growth) return signed(value, bytes);
  if (typeof value === "number" && SIZES.test(key)) return `${bytes(value)}`;
  if (typeof value === "number" && /duration$/.test(key)) return time(value * 1e9);
  if (typeof value === "number") return count(value);
  if (Array.isArray(value)) return value.length > 40 ? `${value.slice(0, 40).join(", ")}, and ${value.length - 40} more` : value.join(", ");
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}

const summed = new Set(Object.values(K.sums).flat());
const shortKey = (key) => key.replace(/^torch\.onnx\./, "");

function attributesTable(attributes) {
  // What was recorded of the export first, then where the code is.
  const isOurs = (key) => (key.startsWith("torch.onnx.") ? 0 : 1);
  const rows = Object.entries(attributes).filter(([key]) => !summed.has(key)).sort(([a], [b]) => isOurs(a) - isOurs(b));
  return rows.length ? el("table", {}, el("tbody", {}, rows.map(([key, value]) =>
    el("tr", {}, el("td", { title: `${visible(key)}${own(report.meanings, key) ? "\n" + report.meanings[key] : ""}` }, shortKey(key)),
      el("td.text", {}, shownValue(key, value)))))) : null;
}

// The message stands above already when it is short; then the block keeps it, closed.
function eventBlock(event, span) {
  const { "exception.stacktrace": trace, "exception.message": message, ...rest } = event.attributes;
  return el("details.block", event.name === "exception" && !(span.error || "").endsWith(message) ? { open: "" } : {}, el("summary", {}, event.name),
    message ? el("pre", {}, message) : null, attributesTable(rest),
    trace ? el("details.block", {}, el("summary", {}, "Stack trace"), el("pre", {}, trace)) : null);
}

function explanationBlock(span, open) {
  const text = about(span);
  if (!text) return null;
  return el("details.block", open ? { open: "" } : {}, el("summary", {}, "Explanation"),
    Object.entries(text.sections).map(([title, body]) => [el("h3", {}, title), ...markdown(body)]),
    text.source ? el("p.quiet", {}, "Source: ", el("code", {}, text.source)) : null);
}

function diffBlock(span, open) {
  const text = diffOf(span.index);
  return text && el("details.block", open ? { open: "" } : {}, el("summary", {}, "What it changed in the graph"), text);
}

const link = (span, text = span.name) => el("a.tool", { href: addressOf({ span: span.id }) }, text);

// A stage of the dynamo exporter can fail in a line of the model: only torch's own files are torch's.
const placeLabel = (span) => (span.level === "nodes" ? "Your model: " : /(^|[\\/])torch[\\/]/.test(placeOf(span)) ? "In torch: " : "Source: ");

function problem(span, text) {
  if (!text) return "";
  return el("p", {}, el(span.handled ? "span.badge.warn" : "span.badge.bad", {}, span.handled ? "failed, and was handled" : "failed"), " ", el("span.text", {}, text));
}

// Of a line that several spans share: why, and each of them, the longest first.
const MAX_SHARED = 100;
function drawFoldDetails(fold) {
  const short = fold.prefix.startsWith("…");
  const members = [...fold.spans].sort((a, b) => b.duration - a.duration);
  $("details").replaceChildren(
    el("h2", {}, nameOf(fold)),
    el("p.lead", {}, short ? "Each is short, and changed neither the graph nor the memory noticeably: they share a line." : "Calls of one name share a line."),
    el("p", {}, figuresOf(fold)),
    path(spans[fold.parent], true),
    el("table", {}, el("tbody", {}, members.slice(0, MAX_SHARED).map((span) => el("tr", {}, el("td", {}, link(span), short ? "" : el("span.quiet", {}, ` ${extraOf(span)}`)), el("td", {}, time(span.duration)))))),
    members.length > MAX_SHARED ? el("p.quiet", {}, `And ${count(members.length - MAX_SHARED)} shorter ones.`) : "",
  );
}

const path = (span, isInside) => { const found = pathOf(span).slice(0, isInside ? undefined : -1); return found.length ? el("p.quiet", {}, "inside ", found.map((one, i) => [i ? " › " : "", el("code", {}, one.name)])) : ""; };

function drawDetails(span) {
  const one = about(span);
  $("details").replaceChildren(
    el("h2", {}, span.name),
    el("p.lead", {}, inline(one ? one.one_line : "")),
    el("p", {}, span.ended ? `${figuresOf(span)}, from ${time(span.start)} on` : "It was begun and never ended."),
    problem(span, span.error),
    span.module ? el("p", {}, "Module: ", el("code.text", {}, span.module)) : "",
    ...(span.notes || []).map((note) => el("p.note.text", {}, note)),
    path(span, false),
    placeOf(span) ? el("p", {}, placeLabel(span), el("code.text", {}, placeOf(span))) : "",
    ...span.events.filter((event) => event.name === "exception").map((event) => eventBlock(event, span)),
    diffBlock(span, true) || "",
    explanationBlock(span, true) || "",
    el("details.block", { open: "" }, el("summary", {}, "Attributes"), attributesTable(span.at) || "none"),
    ...span.events.filter((event) => event.name !== "exception").map((event) => eventBlock(event, span)),
  );
}
