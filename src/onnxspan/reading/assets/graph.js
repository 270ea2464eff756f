// The Graph view: the passes in order, the graph before and after each, and one chosen node.
const decodedGraphs = new Map();
async function decodedGraph(name) {
  if (!decodedGraphs.has(name)) {
    const packed = Uint8Array.from(atob(report.graphs.records[name]), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    decodedGraphs.set(name, JSON.parse(await new Response(stream).text()));
  }
  return decodedGraphs.get(name);
}

// Every node of a record, those of inner graphs after the node that holds them.
function nodesOf(graph) {
  const found = [];
  const stack = [...graph.nodes].reverse();
  while (stack.length) {
    const node = stack.pop();
    found.push(node);
    for (const block of node.blocks || []) stack.push(...[...block].reverse());
  }
  return found;
}
const formOf = (node) => JSON.stringify([node.op, (node.inputs || []).length, { ...node.attributes, onnx_name: 0 }]);

// Both graphs as one: each node once, with what became of it; and who reads whom.
function mergedGraph(before, after) {
  const old = new Map(nodesOf(before).map((node) => [node.id, node]));
  const now = new Map(nodesOf(after).map((node) => [node.id, node]));
  const nodes = new Map();
  for (const [id, node] of now) nodes.set(id, { ...node, state: !old.has(id) ? "new" : formOf(old.get(id)) !== formOf(node) ? "changed" : "kept" });
  for (const [id, node] of old) if (!nodes.has(id)) nodes.set(id, { ...node, state: "gone" });
  const edges = new Map();
  for (const graph of [old, now]) {
    const makers = new Map();
    for (const node of graph.values()) for (const name of node.outputs || []) makers.set(name, node.id);
    for (const node of graph.values())
      for (const name of node.inputs || [])
        if (makers.has(name)) edges.set(`${makers.get(name)} ${node.id}`, [makers.get(name), node.id]);
  }
  return { nodes, edges: [...edges.values()] };
}

const NEAR = 40;
const DRAWN = 3000;
// What changed and what stands next to it, or all of it.
function shownNodes(merged, whole) {
  if (whole) return new Set([...merged.nodes.keys()].slice(0, DRAWN));
  const shown = new Set();
  for (const node of merged.nodes.values()) if (node.state !== "kept" && shown.size < NEAR) shown.add(node.id);
  for (const [from, to] of merged.edges) {
    if (shown.size >= NEAR) break;
    if (shown.has(from) !== shown.has(to) && (merged.nodes.get(from).state !== "kept" || merged.nodes.get(to).state !== "kept")) { shown.add(from); shown.add(to); }
  }
  return shown;
}

const shortOp = (op) => op.replace(/^(onnx::|aten::|aten\.)/, "").replace(/\.default$/, "");
const clipped = (words, most) => (words.length > most ? `…${words.slice(1 - most)}` : words);

function drawnGraph(merged, shown, choose, chosen) {
  const layout = new dagre.graphlib.Graph();
  layout.setGraph({ ranksep: 26, nodesep: 14, marginx: 8, marginy: 8 });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const id of shown) {
    const node = merged.nodes.get(id);
    const lines = [clipped(shortOp(node.op), 26), clipped(node.module || node.name || "", 26)];
    layout.setNode(String(id), { width: Math.max(60, 7.2 * Math.max(lines[0].length, lines[1].length * 0.86) + 16), height: lines[1] ? 36 : 24, lines });
  }
  for (const [from, to] of merged.edges) if (shown.has(from) && shown.has(to)) layout.setEdge(String(from), String(to));
  dagre.layout(layout);
  const size = layout.graph();
  const [width, height] = [Math.max(size.width || 0, 40), Math.max(size.height || 0, 40)];
  const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": `The graph: ${shown.size} nodes` });
  for (const edge of layout.edges()) {
    const points = layout.edge(edge).points;
    picture.append(svg("path", { class: "edge", d: points.map((p, i) => `${i ? "L" : "M"}${p.x.toFixed(1)},${p.y.toFixed(1)}`).join("") }));
    const end = points[points.length - 1];
    picture.append(svg("path", { class: "tip", d: `M${end.x - 3.5},${end.y - 6}L${end.x},${end.y}L${end.x + 3.5},${end.y - 6}Z` }));
  }
  for (const id of shown) {
    const node = merged.nodes.get(id);
    const at = layout.node(String(id));
    const group = svg("g", { class: `node ${node.state}${id === chosen ? " chosen" : ""}`, transform: `translate(${at.x - at.width / 2},${at.y - at.height / 2})`, tabindex: "0", role: "button", "aria-label": `${node.op}, ${node.state}` });
    group.append(svg("title", {}, `${node.op}${node.module ? ` in ${node.module}` : ""}: ${node.state}`), svg("rect", { width: at.width, height: at.height, rx: 5 }), svg("text", { x: 8, y: 15 }, at.lines[0]));
    if (at.lines[1]) group.append(svg("text", { x: 8, y: 29, class: "where" }, at.lines[1]));
    group.addEventListener("click", () => choose(id));
    group.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { choose(id); event.preventDefault(); } });
    picture.append(group);
  }
  return picture;
}

// In which steps a node was made, changed or gone.
async function lifeOf(id, list) {
  const found = [];
  for (const [at, step] of list.entries()) {
    if (!step.before) continue;
    const merged = mergedGraph(await decodedGraph(step.before), await decodedGraph(step.after));
    const node = merged.nodes.get(id);
    if (node && node.state !== "kept") found.push([at, step, node]);
    for (const other of merged.nodes.values()) if (other.state === "new" && (other.source || []).includes(id)) found.push([at, step, { ...other, state: `became ${other.op}` }]);
  }
  return found;
}

let graphAt = -1;
let graphChosen = null;
let graphWhole = false;
let graphChangedOnly = true;
let graphAsText = false;
function graphSheet() {
  const list = report.graphs.steps.filter((step) => rootOf(spans[step.span]) === view.root);
  if (graphAt < 0 || graphAt >= list.length) graphAt = Math.max(list.findIndex((step) => step.changed && step.before), 0);
  const box = el("div.graphs", { tabindex: "0", "aria-label": "Passes and their graphs; arrow keys go from pass to pass" });
  const passes = el("ol");
  const middle = el("div.picture", { tabindex: "0", "aria-label": "The graph" });
  const side = el("div.node-side");
  const bar = el("div.moves");
  box.append(passes, el("div.stage", {}, bar, middle), side);
  const visible = () => list.map((step, at) => [step, at]).filter(([step]) => !graphChangedOnly || step.changed);
  const go = (at) => { graphAt = at; fill(); };
  const move = (by) => {
    const ats = visible().map(([, at]) => at);
    const here = ats.indexOf(graphAt);
    go(ats[Math.min(Math.max(here + by, 0), ats.length - 1)] ?? graphAt);
  };
  const choose = (id) => { graphChosen = id; fill(); };
  const toggle = (label, on, set) => el("button", { click: () => { set(); fill(); }, "aria-pressed": String(on) }, label);
  async function fill() {
    const step = list[graphAt];
    passes.replaceChildren(...visible().map(([one, at]) =>
      el("li", {}, el(`button${one.changed ? "" : ".same"}`, { click: () => go(at), "aria-current": String(at === graphAt) }, one.name))));
    bar.replaceChildren(el("button", { click: () => move(-1) }, "← Back"), el("button", { click: () => move(1) }, "Next →"),
      toggle("Changed passes only", graphChangedOnly, () => { graphChangedOnly = !graphChangedOnly; }),
      toggle("Whole graph", graphWhole, () => { graphWhole = !graphWhole; }),
      toggle("As text", graphAsText, () => { graphAsText = !graphAsText; }),
      link(spans[step.span], "Show in the waterfall"));
    if (!step.before) {
      middle.replaceChildren(el("p.quiet", {}, step.changed ? "The graph of this pass was not kept." : "This pass changed nothing."));
      side.replaceChildren();
      box.dataset.drawn = graphAt;
      return;
    }
    const wanted = graphAt;
    const merged = mergedGraph(await decodedGraph(step.before), await decodedGraph(step.after));
    if (wanted !== graphAt) return;
    const shown = shownNodes(merged, graphWhole);
    if (graphChosen !== null && merged.nodes.has(graphChosen)) shown.add(graphChosen);
    const counts = ["new", "gone", "changed", "kept"].map((state) => [state, [...merged.nodes.values()].filter((node) => node.state === state).length]);
    const legend = el("p.quiet.counts", {}, counts.map(([state, many]) => el(`span.${state}`, {}, `${count(many)} ${state} `)),
      shown.size < merged.nodes.size ? ` ${count(shown.size)} of ${count(merged.nodes.size)} are drawn.` : "");
    middle.replaceChildren(legend, graphAsText ? diff(report.diffs[step.span] || "The text of this pass is not in the page.") : drawnGraph(merged, shown, choose, graphChosen));
    const known = about(step.name);
    drawSide(merged, known);
    box.dataset.drawn = graphAt;
  }
  function drawSide(merged, known) {
    const node = graphChosen === null ? null : merged.nodes.get(graphChosen);
    if (!node) {
      side.replaceChildren(el("h3", {}, "This pass"), el("p", {}, inline((known || {}).one_line || "")), el("p.quiet", {}, graphChosen === null ? "Choose a node to see where it comes from." : "The chosen node is not in this graph."));
      return;
    }
    const row = (label, value) => (value ? el("tr", {}, el("th", { scope: "row" }, label), el("td", {}, el("code.text", {}, value))) : "");
    const life = el("ul", {}, el("li.quiet", {}, "reading the other passes …"));
    side.replaceChildren(el("h3", {}, node.op), el("table", {}, el("tbody", {},
      row("here", node.state), row("name", node.name), row("module", node.module), row("class", node.module_class),
      row("line", node.file ? `${node.file}:${node.line}` : ""), row("reads", (node.inputs || []).join(", ")), row("makes", (node.outputs || []).join(", ")),
      row("attributes", node.attributes ? Object.entries(node.attributes).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(", ") : ""))),
      el("h3", {}, "Its life"), life);
    const wanted = graphChosen;
    lifeOf(wanted, list).then((found) => {
      if (wanted !== graphChosen) return;
      life.replaceChildren(...(found.length ? found.map(([at, step, other]) => el("li", {}, el("button", { click: () => { graphChosen = other.id; go(at); } }, `${other.state} in ${step.name}`)))
        : [el("li.quiet", {}, "No recorded pass has changed it.")]));
    });
  }
  box.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!by || event.target === middle) return;
    move(by);
    event.preventDefault();
  });
  fill();
  return box;
}
