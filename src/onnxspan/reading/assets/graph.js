// The Graph view: the passes in order, the graph before and after each, and one chosen node.
const graphView = { root: null, at: -1, chosen: null, isWhole: false, isChangedOnly: true, form: "one", scale: 1, groups: new Map() };
const CONTEXT = 3;

// The line of the model and the lines around it, where the trace holds them.
function sourceLines(node) {
  const lines = own(report.graphs.sources || {}, node.file || "");
  if (!lines) return null;
  const shown = [];
  for (let number = node.line - CONTEXT; number <= node.line + CONTEXT; number++)
    if (own(lines, number) !== undefined) shown.push(el(number === node.line ? "span.at" : "span", {}, `${String(number).padStart(5)}  ${lines[number]}`));
  return shown.length ? el("pre.diff.source", {}, shown) : null;
}

// A path without the folders that say nothing about the model; the whole path is its title.
const shortPath = (file) => file.replace(/^.*[\\/]site-packages[\\/]/, "").replace(/^.*[\\/]([^\\/]+[\\/][^\\/]+)$/, (whole, end) => (/^([A-Za-z]:)?[\\/]/.test(whole) ? `…/${end}` : whole));

// What the C++ pass wrote about a node: the lines of its log with one of the node's values.
function linesAbout(step, node) {
  const told = report.steps.find((one) => one.span === step.span);
  const names = (node.outputs || []).map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!told || !told.log || !names.length) return [];
  const pattern = new RegExp(`%"?(${names.join("|")})(?![\\w.])`);
  return told.log.filter((line) => pattern.test(line)).slice(0, 20);
}

function graphSheet() {
  const now = graphView;
  const list = report.graphs.steps.filter((step) => rootOf(spans[step.span]) === view.root);
  if (now.root !== view.root) { if (now.root) now.at = -1; now.root = view.root; } // each tree has passes of its own
  if (now.at < 0 || now.at >= list.length) now.at = Math.max(list.findIndex((step) => step.changed && step.before), 0);
  const passes = el("ol");
  const bar = el("div.moves");
  const middle = el("div.picture", { tabindex: "0", "aria-label": "The graph" });
  const side = el("div.node-side");
  const box = el("div.graphs", { tabindex: "0", "aria-label": "Passes and their graphs; arrow keys go from pass to pass" }, passes, el("div.stage", {}, bar, middle), side);
  // A stage and the passes inside it may each show the same change.
  const insideOf = (one) => list.filter((other) => other !== one && pathOf(spans[one.span]).includes(spans[other.span])).length;
  const visible = () => list.map((step, at) => [step, at]).filter(([step]) => !now.isChangedOnly || step.changed);
  const go = (at) => { now.at = at; remember({ tab: "graph", step: at + 1 }); fill(); };
  const move = (by) => {
    const ats = visible().map(([, at]) => at);
    go(ats[Math.min(Math.max(ats.indexOf(now.at) + by, 0), ats.length - 1)] ?? now.at);
  };
  const mark = () => { for (const drawn of middle.querySelectorAll("[data-node]")) drawn.classList.toggle("chosen", drawn.dataset.node === String(now.chosen)); };
  const choose = async (id) => {
    now.chosen = id;
    if (!middle.querySelector(`[data-node="${id}"]`)) { await fill(); return; }
    mark();
    drawSide(await mergedGraph(list[now.at]));
  };
  const toggle = (label, on, set, title) => el("button", { click: () => { set(); fill(); }, "aria-pressed": String(on), title }, label);
  const form = (label, name, title) => toggle(label, now.form === name, () => { now.form = name; }, title);
  const setFolds = (isOpen) => async () => {
    for (const key of (await mergedGraph(list[now.at])).groups.keys()) now.groups.set(key, isOpen);
    fill();
  };
  const resize = (by) => { now.scale = Math.min(Math.max(now.scale * by, 0.1), 3); scale(); };
  const scale = () => { for (const picture of middle.querySelectorAll("svg")) { const [, , width, height] = picture.getAttribute("viewBox").split(" "); picture.setAttribute("width", width * now.scale); picture.setAttribute("height", height * now.scale); } };

  function drawPasses() {
    passes.replaceChildren(...visible().map(([one, at]) =>
      el("li", {}, el(`button${one.changed ? "" : ".same"}`, { click: () => go(at), "aria-current": String(at === now.at), "data-at": at }, one.name))));
    for (const [i, [one]] of visible().entries()) passes.children[i].style.paddingLeft = `${10 * insideOf(one)}px`;
  }
  function drawBar(step) {
    const canDraw = step.before && now.form !== "text";
    bar.replaceChildren(el("button", { click: () => move(-1) }, "← Back"), el("button", { click: () => move(1) }, "Next →"),
      el("span.choice", { role: "group", "aria-label": "Form" }, form("One graph", "one", "The graph before and after as one drawing"), form("Side by side", "two", "Before and after, each its own drawing"), form("As text", "text", "The difference of both graphs' texts")),
      toggle("Changed passes only", now.isChangedOnly, () => { now.isChangedOnly = !now.isChangedOnly; }),
      ...(canDraw ? [toggle("Whole graph", now.isWhole, () => { now.isWhole = !now.isWhole; }),
        el("button", { click: setFolds(false), title: "Each module as one box" }, "Fold modules"), el("button", { click: setFolds(true) }, "Unfold modules"),
        el("button", { click: () => resize(0.8), "aria-label": "Smaller" }, "−"), el("button", { click: () => resize(1.25), "aria-label": "Larger" }, "+")] : []),
      link(spans[step.span], "Show in the waterfall"));
  }
  async function fill() {
    const step = list[now.at];
    drawPasses();
    drawBar(step);
    box.classList.toggle("text", now.form === "text");
    if (!step.before) {
      middle.replaceChildren(el("p.quiet", {}, step.changed ? "The graph of this pass was not kept." : "This pass changed nothing."));
      side.replaceChildren();
      box.dataset.drawn = now.at;
      return;
    }
    const merged = await mergedGraph(step);
    if (step !== list[now.at]) return;
    const ids = drawnIds(merged, now.isWhole, now.chosen);
    const legend = el("p.quiet.counts", {}, STATES.map((state) => el(`span.${state}`, {}, `${count([...merged.nodes.values()].filter((node) => node.state === state).length)} ${state} `)),
      ids.size < merged.nodes.size && now.form !== "text" ? ` ${count(ids.size)} of ${count(merged.nodes.size)} are drawn.` : "");
    middle.replaceChildren(legend, ...picturesOf(step, ids, merged));
    scale();
    mark();
    const chosen = middle.querySelector(".chosen");
    if (chosen) {
      const [inner, outer] = [chosen.getBoundingClientRect(), middle.getBoundingClientRect()];
      if (inner.left < outer.left || inner.right > outer.right) middle.scrollLeft += inner.left - outer.left - outer.width / 3;
      if (inner.top < outer.top || inner.bottom > outer.bottom) middle.scrollTop += inner.top - outer.top - outer.height / 3;
    }
    drawSide(merged);
    box.dataset.drawn = now.at;
  }
  function picturesOf(step, ids, merged) {
    if (now.form === "text") return [diffOf(step.span) || el("p.quiet", {}, "The text of this pass is not in the page: onnxspan show --pass NAME --diff shows it.")];
    if (!ids.size) return [el("p.quiet", {}, "No node was made, removed or changed. As text shows which names or types differ.")];
    if (now.form === "one") return [drawing(ids, merged.edges, merged, now.groups, "The graph before and after")];
    return [["Before", "new", "was"], ["After", "gone", "is"]].map(([label, absent, present]) => el("div.half", {}, el("h3", {}, label),
      drawing(new Set([...ids].filter((id) => merged.nodes.get(id).state !== absent)), merged.edges.filter((edge) => edge[present]), merged, now.groups, label)));
  }
  function drawSide(merged) {
    const step = list[now.at];
    const node = now.chosen === null ? null : merged.nodes.get(now.chosen);
    const purpose = (about(spans[step.span]) || {}).one_line || "";
    const life = el("ul", {}, el("li.quiet", {}, "reading the other passes …"));
    const row = (label, value, title) => (value ? el("tr", {}, el("th", { scope: "row" }, label), el("td", { title }, el("code.text", {}, value))) : "");
    const value = (name) => (merged.types[name] ? `${name}: ${shortType(merged.types[name])}` : name);
    const log = node ? linesAbout(step, node) : [];
    side.replaceChildren(
      ...(node ? [el("h3", {}, node.op), el("table", {}, el("tbody", {},
        row("here", node.state), row("name", node.name), row("module", node.module), row("class", node.module_class),
        row("line", node.file ? `${shortPath(node.file)}:${node.line}` : "", node.file), row("reads", (node.inputs || []).map(value).join(", ")), row("makes", (node.outputs || []).map(value).join(", ")),
        row("attributes", Object.entries(node.attributes || {}).map(([key, one]) => `${key}=${JSON.stringify(one)}`).join(", ")))), sourceLines(node) || ""] : []),
      ...(now.chosen === null ? [] : [el("h3", {}, node ? "Its life" : "The life of the chosen node"), node ? "" : el("p.quiet", {}, "The node is not in this graph."), life]),
      ...(log.length ? [el("h3", {}, "What the pass wrote about it"), el("pre", { tabindex: "0" }, log.join("\n"))] : []),
      el("h3", {}, "This pass"), el("p", {}, inline(purpose)),
      now.chosen === null ? el("p.quiet", {}, "Choose a node to see where it comes from.") : "");
    const wanted = now.chosen;
    if (wanted === null) return;
    lifeOf(wanted, list).then((found) => {
      if (wanted !== now.chosen) return;
      for (const button of passes.querySelectorAll("button")) button.classList.toggle("touched", found.some(([at]) => at === Number(button.dataset.at)));
      life.replaceChildren(...(found.length ? found.map(([at, words, id]) => el("li", {}, el("button", { click: () => { now.chosen = id; go(at); } }, `${words} in ${list[at].name}`)))
        : [el("li.quiet", {}, "No recorded pass has changed it.")]));
    });
  }
  const press = (target) => {
    const drawn = target.closest("[data-node], [data-group]");
    if (!drawn) return false;
    if (drawn.dataset.node) choose(Number(drawn.dataset.node));
    else { now.groups.set(drawn.dataset.group, drawn.getAttribute("aria-expanded") !== "true"); fill(); }
    return true;
  };
  middle.addEventListener("click", (event) => press(event.target));
  box.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if ((event.key === "Enter" || event.key === " ") && middle.contains(event.target) && press(event.target)) event.preventDefault();
    if (!by || event.target === middle) return;
    move(by);
    event.preventDefault();
  });
  fill();
  return box;
}
