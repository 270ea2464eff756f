// The page's head, its failure, search, keys and print.
const shortTitle = (root) => titleOf(exportOf(root)).replace(/^([\w]+\.)+(?=\w)/, "") || root.name;
// The class is what tells models apart: where it is from stands small before it.
function heading(title) {
  const [, from, name] = /^([\w.]*\.)?([\s\S]*)$/.exec(title);
  return [from ? el("span.from", {}, from) : "", name];
}

function drawHead() {
  const made = exportOf(view.root);
  const at = made.at;
  const facts = [
    ["Time", time(view.root.duration)],
    ["Nodes", at[K.resultNodes] !== undefined ? count(at[K.resultNodes]) : null],
    [at[K.externalBytes] ? "Model and weights" : "Model file",
      at[K.resultBytes] !== undefined ? bytes(at[K.resultBytes] + (at[K.externalBytes] || 0)) : null],
    ["Of it external data", at[K.externalBytes] ? bytes(at[K.externalBytes]) : null],
    ["Parameters", at[K.modelParameters] !== undefined ? count(at[K.modelParameters]) : null],
    ["Peak memory", at[K.peak] ? bytes(at[K.peak]) : null],
    ["Opset", at[K.opset]],
    ["Spans", count(view.root.size)],
    ["Tracing cost", at[K.tracing] !== undefined ? time(at[K.tracing] * 1e9) : null],
    ["torch", at[K.torch]],
  ].filter(([, value]) => value !== null && value !== undefined);
  const chooser = report.roots.length > 1
    ? el("select", { "aria-label": "Export", change: (event) => show(spans[event.target.value]) }, report.roots.map((index, i) => {
      const root = spans[index];
      const option = el("option", { value: index }, `${i + 1}. ${shortTitle(root)} (${time(root.duration)})${hasFailed(root) ? ", failed" : ""}`);
      option.selected = root === view.root;
      return option;
    })) : "";
  $("head").replaceChildren(
    el("div.top", {}, el("div.said", {}, el("h1", {}, el("bdi", {}, heading(titleOf(made) || view.root.name))),
      el("span.badge", {}, `${at[K.exporter] || "unknown"} exporter`),
      hasFailed(view.root) ? el("span.badge.bad", {}, "✕ failed") : view.root.ended ? el("span.badge.good", {}, "✓ exported") : el("span.badge.bad", {}, "never ended"),
      chooser), el("div.tools", {},
      el("button.tool", { id: "copy-link", click: (event) => copy(event.target, location.href), title: "A link to what is shown now" }, "Copy link"),
      el("button.tool", { id: "copy-markdown", click: (event) => copy(event.target, own(report.markdown, view.root.index) || ""), title: "The answer or the failure, versions and the slowest spans, for an issue" }, "Copy as Markdown"),
      el("button.tool", { id: "theme", click: turnTheme, title: "Light or dark (t)" }, "◐ Theme"),
      el("button.tool", { id: "helper", click: () => $("help").showModal(), title: "Keys (?)" }, "? Keys"))),
    el("dl.facts", {}, facts.map(([label, value]) => el("div", {}, el("dt", {}, label), el("dd", {}, value)))));
}

// The screen that `onnxspan show` has above the tree; what a trace without exceptions says, else.
function drawFailure() {
  const failed = failureOf(view.root);
  if (!failed) { $("failure").replaceChildren(); return; }
  const exception = failed.events.find((event) => event.name === "exception");
  const said = (exception || { attributes: {} }).attributes;
  const scope = failed.at[K.scope];
  const told = own(report.failures, view.root.index);
  $("failure").replaceChildren(el("div.failure", {}, ...(told ? [
    el("h2", {}, told.headline),
    el("table.answer", {}, el("tbody", {}, told.rows.map(([label, text]) =>
      el("tr", {}, el("th", { scope: "row" }, label || el("span.unseen", {}, "the line")), el("td", {}, label === "try" || label === "error" ? el("span.text", {}, label === "try" ? inline(text) : text) : el("code.text", {}, text.trim())))))),
  ] : [
    el("h2", {}, "The export failed in ", el("code", {}, failed.name), failed.at[K.operator] && failed.at[K.operator] !== failed.name ? [" on ", el("code", {}, failed.at[K.operator])] : []),
    el("p.text", {}, failed.error),
    scope ? el("p", {}, "Module: ", el("code.text", {}, scope)) : "",
    placeOf(failed) ? el("p", {}, placeLabel(failed), el("code.text", {}, placeOf(failed))) : "",
  ]),
    el("p.quiet", {}, pathOf(failed).map((span, i) => [i ? " › " : "", el("code", {}, span.name)])),
    el("p", {}, link(failed, "Show in the waterfall")),
    told && told.chain.length > 1 ? el("details", {}, el("summary", {}, "The exception and its causes"), el("ol", {}, told.chain.map((link) => el("li.text", {}, link)))) : "",
    said["exception.message"] ? el("details", {}, el("summary", {}, "The whole message"), el("pre", {}, said["exception.message"])) : "",
    said["exception.stacktrace"] ? el("details", {}, el("summary", {}, "Stack trace"), el("pre", {}, said["exception.stacktrace"])) : ""));
}

function search(query) {
  view.query = query;
  const wanted = query.trim().toLowerCase();
  view.hits = !wanted ? [] : inView().filter((span) =>
    [span.name, span.error, span.module, placeOf(span), ...Object.values(span.at)].some((text) => (typeof text === "string" || Array.isArray(text)) && String(text).toLowerCase().includes(wanted)))
    .map((span) => span.index);
  for (const fold of folds) fold.hits = 0;
  for (const index of view.hits)
    for (let line = above(spans[index]); line; line = above(line)) if (isFold(line)) line.hits += 1;
  view.hit = -1;
  $("found").textContent = !wanted ? "" : view.hits.length ? `${count(view.hits.length)} found` : "nothing found";
  draw();
}
function nextHit(by) {
  if (!view.hits.length) return;
  view.hit = view.hit < 0 && by < 0 ? view.hits.length - 1 : (view.hit + by + view.hits.length) % view.hits.length;
  select(spans[view.hits[view.hit]]);
  $("found").textContent = `${view.hit + 1} of ${count(view.hits.length)}`;
}
function nextFailure() {
  const all = inView().filter((span) => span.error);
  const failed = all.some((span) => !span.handled) ? all.filter((span) => !span.handled) : all;
  if (failed.length) select(failed.find((span) => view.selected && span.index > (view.selected.index ?? view.selected.parent)) || failed[0]);
}

const moveTo = (row) => select(shown[Math.min(Math.max(row, 0), shown.length - 1)]);
const page = () => Math.floor($("rows").clientHeight / ROW) - 1;
const TREE_KEYS = {
  ArrowDown: (line) => moveTo(line.row + 1), ArrowUp: (line) => moveTo(line.row - 1), j: (line) => moveTo(line.row + 1), k: (line) => moveTo(line.row - 1),
  PageDown: (line) => moveTo(line.row + page()), PageUp: (line) => moveTo(line.row - page()), Home: () => moveTo(0), End: () => moveTo(shown.length - 1),
  ArrowRight: (line) => hasBelow(line) && (isUnfolded(line) ? moveTo(line.row + 1) : fold(line, true)),
  ArrowLeft: (line) => (hasBelow(line) && isUnfolded(line) ? fold(line, false) : select(above(line))),
  Enter: (line) => (isFold(line) ? fold(line, !line.isOpen) : zoomTo(line)), " ": (line) => fold(line, !isUnfolded(line)),
};
const PAGE_KEYS = {
  "/": () => { $("search").focus(); $("search").select(); }, n: () => nextHit(1), N: () => nextHit(-1), f: nextFailure, t: turnTheme, "?": () => $("help").showModal(),
  "+": () => zoomBy(0.7), "=": () => zoomBy(0.7), "-": () => zoomBy(1.4), 0: () => zoom(0, view.root.duration), "<": () => pan(-0.3), ">": () => pan(0.3),
  z: () => view.selected && zoomTo(view.selected), e: () => foldAll(true), c: () => foldAll(false), Escape: () => { $("search").value = ""; search(""); $("rows").focus(); },
};
const HELP = [["↑ ↓", "move through the spans"], ["← →", "fold, unfold, go out and in"], ["Enter or z", "zoom to the selected span"], ["+ − 0", "zoom in, out, to the whole"], ["< >", "earlier, later"],
  ["drag, Ctrl + wheel", "zoom with the mouse"], ["/", "search"], ["n N", "next and previous found"], ["f", "next failure"], ["e c", "every span on a line of its own; short and repeated ones on one"], ["t", "light or dark"], ["Esc", "leave the search"]];

function startKeys() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    const typing = ["INPUT", "SELECT", "TEXTAREA"].includes(event.target.tagName);
    if (typing && !(event.key === "Escape" || (event.key === "Enter" && event.target.id === "search"))) return;
    let done = false;
    if (typing && event.key === "Enter") { if (view.query !== event.target.value) search(event.target.value); nextHit(event.shiftKey ? -1 : 1); done = true; }
    else if ($("rows").contains(event.target) && TREE_KEYS[event.key]) { TREE_KEYS[event.key](view.selected || view.root); done = true; }
    else if (PAGE_KEYS[event.key]) { PAGE_KEYS[event.key](); done = true; }
    if (done) event.preventDefault();
  });
  $("help").append(el("h2", {}, "Keys"), el("table", {}, el("tbody", {}, HELP.map(([keys, what]) => el("tr", {}, el("td", {}, el("kbd", {}, keys)), el("td", {}, what))))),
    el("p", {}, el("button", { click: () => $("help").close() }, "Close")));
}

function startBar() {
  let waiting;
  $("bar").append(
    el("input", { id: "search", type: "search", placeholder: "Search everything …", title: "Names, operators (also those that are only summed), modules, errors, attributes", "aria-label": "Search", input: (event) => { clearTimeout(waiting); waiting = setTimeout(() => view.query !== event.target.value && search(event.target.value), 120); } }),
    el("span.quiet", { id: "found", role: "status" }), el("span.grow"),
    el("span.legend", { id: "legend" }),
    el("span.quiet", { id: "range" }), el("button", { id: "reset", click: () => zoom(0, view.root.duration) }, "Whole time"),
    el("button", { click: () => foldAll(true), title: "Every span on a line of its own (e)" }, "Unfold"), el("button", { click: () => foldAll(false), title: "Short and repeated spans on one line, as at first (c)" }, "Fold"));
  $("keys").append("Drag over the bars or a chart to zoom; ", el("kbd", {}, "/"), " searches, arrows move and fold, ", el("kbd", {}, "?"), " shows every key.");
}

// Only what is in this export has a colour to explain.
function drawLegend() {
  const there = new Set();
  for (const span of inView()) there.add(!span.ended ? "unended" : span.error ? (span.handled ? "handled" : "failed") : heatOf(span));
  $("legend").replaceChildren(...Object.entries({ ...HEATS, unended: "never ended", failed: "failed", handled: "handled" }).filter(([one]) => there.has(one)).map(([one, said]) => el("span", {}, el(`i.${one}`), said)));
}

// The innermost span that never ended: where a killed process was.
function openOf(root) {
  let found = null;
  for (let i = root.index; i < root.index + root.size; i++) if (!spans[i].ended && (!found || spans[i].depth >= found.depth)) found = spans[i];
  return found;
}

// What is chosen where no address says another: where it failed, where it was killed, else the whole.
const atFirst = (root) => failureOf(root) || openOf(root) || root;

async function copy(button, words) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(words);
    button.textContent = "Copied";
  } catch {
    const box = el("textarea", { readonly: "" }, words);
    box.value = words;
    $("help").replaceChildren(el("p", {}, "Copy this:"), box, el("button", { click: () => $("help").close() }, "Close"));
    $("help").showModal();
    box.select();
  }
  setTimeout(() => { button.textContent = label; }, 1500);
}

// Another export of the same file.
function show(root) {
  view.root = root;
  view.origin = failureOf(root) || openOf(root);
  view.hits = [];
  view.query = "";
  view.selected = null;
  walkAt = 0;
  $("search").value = "";
  $("found").textContent = "";
  for (const answer of document.querySelectorAll("#core .answer")) answer.classList.toggle("chosen", report.roots[answer.dataset.root] === root.index);
  drawHead();
  drawFailure();
  drawLegend();
  view.from = 0;
  view.to = root.duration || 1;
  listRows();
  $("rows").scrollTop = 0;
  measureCharts();
  drawFlame();
  drawAxis();
  drawTables();
  select(atFirst(root), { scroll: hasFailed(root) || !root.ended });
}

// Paper is light, and has all lines.
let screenTheme = "";
addEventListener("beforeprint", () => {
  printing = 400;
  if (shown.length > printing) $("notices").append(el("p.notice", { id: "printed" }, `Printed: the first ${printing} of ${count(shown.length)} rows.`));
  screenTheme = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
  drawFlame();
  drawRows();
});
addEventListener("afterprint", () => {
  printing = 0;
  document.documentElement.dataset.theme = screenTheme;
  $("printed")?.remove();
  listRows();
  drawRows();
});

startTheme();
let isRestoring = true;
$("notices").append(...report.notices.map((notice) => el("p.notice", {}, inline(notice))));
startBar();
startFlame();
startCharts();
startWaterfall();
startTip();
startKeys();
show(view.root);
startDividers();
isRestoring = false;
restore();
addEventListener("hashchange", restore);
document.documentElement.dataset.ready = "yes";
