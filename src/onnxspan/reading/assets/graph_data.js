// Graphs as the page holds them: packed records, both graphs of a pass as one, and a node's life.
const opened = new Map();
function openedGraph(name) {
  if (!opened.has(name)) opened.set(name, unpacked(report.graphs.records[name]).then((text) => indexedGraph(JSON.parse(text))));
  return opened.get(name);
}

// A record with what is looked up in it. Each node gets the keys of the groups around it, outermost
// first: the modules on its path, and the block of a node that holds a graph.
function indexedGraph(graph) {
  const nodes = new Map();
  const makers = new Map();
  const heirs = new Map();
  const groups = new Map();
  const add = (list, around, prefix) => {
    for (const node of list) {
      node.path = [...around];
      const parts = (node.module || "").split(".").filter(Boolean);
      parts.forEach((part, i) => {
        const path = parts.slice(0, i + 1).join(".");
        if (!groups.has(prefix + path)) groups.set(prefix + path, { label: path, kind: "" });
        node.path.push(prefix + path);
      });
      if (!parts.length && /Constant$/.test(node.op)) {
        groups.set(`${prefix}#constants`, { label: "constants of no module", kind: "" });
        node.path.push(`${prefix}#constants`);
      }
      if (parts.length && node.module_class) groups.get(prefix + parts.join(".")).kind = node.module_class.split(".").pop();
      nodes.set(node.id, node);
      (node.outputs || []).forEach((name, i) => makers.set(name, [node.id, i]));
      for (const one of node.source || []) heirs.set(one, [...(heirs.get(one) || []), node.id]);
      (node.blocks || []).forEach((block, i) => {
        const key = `${prefix}#${node.id}.${i}`;
        groups.set(key, { label: `${node.op}: block ${i + 1} of ${node.blocks.length}`, kind: "" });
        add(block, [...node.path, key], `${key}/`);
      });
    }
  };
  add(graph.nodes, [], "");
  return { kind: graph.kind, inputs: new Map((graph.inputs || []).map((name, i) => [name, i])), outputs: graph.outputs || [], types: graph.types || {}, nodes, makers, heirs, groups };
}

// What a node is, whatever its values are called: a pass that renames values changes no node.
function formOf(graph, node) {
  const inputs = (node.inputs || []).map((name) => graph.makers.get(name) || (graph.inputs.has(name) ? `input ${graph.inputs.get(name)}` : name));
  return JSON.stringify([node.op, inputs, { ...node.attributes, onnx_name: 0 }]);
}
const typesOf = (graph, node) => JSON.stringify((node.outputs || []).map((name) => graph.types[name] || ""));
function becameOf(before, after, id) {
  const [was, is] = [before.nodes.get(id), after.nodes.get(id)];
  if (!was || !is) return is ? "new" : was ? "gone" : null;
  return formOf(before, was) !== formOf(after, is) ? "changed" : typesOf(before, was) !== typesOf(after, is) ? "retyped" : "kept";
}

// Both graphs as one: each node once, with what became of it; who reads whom, before and after.
const STATES = ["new", "gone", "changed", "retyped", "kept"];
const merges = new Map();
async function mergedGraph(step) {
  const key = `${step.before} ${step.after}`;
  if (!merges.has(key)) {
    const [before, after] = [await openedGraph(step.before), await openedGraph(step.after)];
    const nodes = new Map();
    for (const graph of [before, after])
      for (const [id, node] of graph.nodes) nodes.set(id, { ...node, state: becameOf(before, after, id) });
    const edges = new Map();
    for (const graph of [before, after])
      for (const node of graph.nodes.values())
        for (const name of node.inputs || []) {
          const maker = graph.makers.get(name);
          if (!maker) continue;
          const edge = edges.get(`${maker[0]} ${node.id}`) || { from: maker[0], to: node.id };
          edge[graph === before ? "was" : "is"] = true;
          edges.set(`${maker[0]} ${node.id}`, edge);
        }
    merges.set(key, { nodes, edges: [...edges.values()], groups: new Map([...before.groups, ...after.groups]), types: { ...before.types, ...after.types } });
  }
  return merges.get(key);
}

// The ids of what changed and what stands next to it, the chosen node with its neighbours, or all.
const NEAR = 40;
const DRAWN = 3000;
function drawnIds(merged, whole, chosen) {
  if (whole) return new Set([...merged.nodes.keys()].slice(0, DRAWN));
  const found = new Set();
  const add = (id) => found.size < NEAR && found.add(id);
  if (merged.nodes.has(chosen)) {
    add(chosen);
    for (const { from, to } of merged.edges) if (found.size < NEAR / 2 && (from === chosen || to === chosen)) { add(from); add(to); }
  }
  for (const states of [["new", "gone", "changed"], ["retyped"]])
    for (const node of merged.nodes.values()) if (states.includes(node.state)) add(node.id);
  const differs = (id) => merged.nodes.get(id).state !== "kept";
  for (const { from, to } of merged.edges) if (found.has(from) !== found.has(to) && differs(from) !== differs(to)) { add(from); add(to); }
  return found;
}

// The values that are read in place of those of a node that is gone, by the nodes that stayed; of a
// reader that is gone too (two nodes fused into one), in place of the reader's. `replacements` in
// reading/origins/life.py is the same rule.
function readInstead(before, after, id, seen = new Set()) {
  if (seen.has(id)) return [];
  seen.add(id);
  const values = before.nodes.get(id).outputs || [];
  const found = [];
  const compare = (was, is) => {
    if (was.length === is.length) was.forEach((name, i) => { if (values.includes(name)) found.push(is[i]); });
  };
  compare(before.outputs, after.outputs);
  for (const reader of before.nodes.values()) {
    const inputs = reader.inputs || [];
    if (!inputs.some((name) => values.includes(name))) continue;
    const stayed = after.nodes.get(reader.id);
    if (stayed) compare(inputs, stayed.inputs || []);
    else found.push(...readInstead(before, after, reader.id, seen));
  }
  return [...new Set(found)];
}

// Where a node was made, changed and removed, and what it became: [step's number, words, id to choose].
async function lifeOf(id, list) {
  const life = [];
  const said = new Set();
  let names = null;
  for (const [at, step] of list.entries()) {
    if (!step.before) continue;
    const [before, after] = [await openedGraph(step.before), await openedGraph(step.after)];
    for (const graph of [before, after]) {
      const node = graph.nodes.get(id);
      if (node && graph.kind === "fx") names = node.name;
      if (node && !said.has("made of")) {
        said.add("made of");
        for (const one of node.source || []) life.push(...(await ancestorsOf(one, list.slice(0, at + 1))));
      }
      // The nodes of a decomposed program name those of the program before it.
      const was = graph === after && before.kind === "fx" && before.nodes.has(id) ? before.nodes.get(id).name : graph.kind === "onnx" ? names : null;
      const heirs = [...(graph.heirs.get(id) || []), ...(was === null ? [] : graph.heirs.get(was) || [])];
      for (const heir of heirs) {
        const { op } = graph.nodes.get(heir);
        if (heir !== id && !said.has(`heir ${heir}`)) life.push([at, `became ${op}`, heir]);
        said.add(`heir ${heir}`);
      }
    }
    const state = becameOf(before, after, id);
    if (state && state !== "kept") life.push([at, state, id]);
    if (state !== "gone" || [...said].some((one) => one.startsWith("heir"))) continue;
    for (const value of readInstead(before, after, id)) {
      const [maker] = after.makers.get(value) || [null];
      if (maker === null) life.push([at, `${value} is read instead`, id]);
      else if (maker !== id) life.push([at, `${after.nodes.get(maker).op} is read instead`, maker]);
    }
  }
  return life;
}
// The node that another was made from: by its number, or by its name in an fx graph.
async function ancestorsOf(one, list) {
  for (const [at, step] of [...list.entries()].reverse()) {
    if (!step.before) continue;
    for (const graph of [await openedGraph(step.before), await openedGraph(step.after)]) {
      const found = typeof one === "number" ? graph.nodes.get(one) : graph.kind === "fx" ? [...graph.nodes.values()].find((node) => node.name === one) : null;
      if (found) return [[at, `made from ${found.op}`, found.id]];
    }
  }
  return [];
}
