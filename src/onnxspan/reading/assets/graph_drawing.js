// A graph as a layered drawing. Modules are boxes that fold; each box is laid out by itself, so
// that a large graph is many small layouts.
const shortOp = (op) => op.replace(/^<built-in function (\w+)>$/, "$1").replace(/^(onnx::|aten::|aten\.)/, "").replace(/\.default$/, "");
const clipped = (words, most) => (words.length > most ? `…${words.slice(1 - most)}` : words);
const shortType = (words) => words.replace(/, (strides=\[[^\]]*\]|requires_grad=\d|device=\w+)/g, "").replace(/^torch\./, "");
const HEAD = 22;
const OPEN = 150;

// The groups around the drawn nodes. A group that holds one node alone, or groups alone, is no box.
function groupTree(ids, merged) {
  const root = { key: "", label: "", kind: "", nodes: [], groups: new Map(), members: [] };
  for (const id of ids) {
    let group = root;
    for (const key of merged.nodes.get(id).path) {
      group.members.push(id);
      if (!group.groups.has(key)) group.groups.set(key, { key, ...merged.groups.get(key), nodes: [], groups: new Map(), members: [] });
      group = group.groups.get(key);
    }
    group.members.push(id);
    group.nodes.push(id);
  }
  const tidy = (group) => {
    for (const child of [...group.groups.values()]) {
      tidy(child);
      if (child.members.length > 1 && child.nodes.length) continue;
      group.groups.delete(child.key);
      group.nodes.push(...child.nodes);
      for (const inner of child.groups.values()) group.groups.set(inner.key, inner);
    }
  };
  tidy(root);
  return root;
}

// Which groups stand open: as the reader chose; else while few boxes are drawn, changed ones first.
function openGroups(root, merged, chosenByReader) {
  const open = new Set();
  let drawn = root.nodes.length + root.groups.size;
  const differs = (group) => group.members.some((id) => merged.nodes.get(id).state !== "kept");
  const waiting = [...root.groups.values()].sort((a, b) => differs(b) - differs(a));
  while (waiting.length) {
    const group = waiting.shift();
    const more = group.nodes.length + group.groups.size;
    if (!(chosenByReader.get(group.key) ?? drawn + more <= OPEN)) continue;
    open.add(group.key);
    drawn += more;
    waiting.push(...group.groups.values());
  }
  return open;
}

const textWidth = (words, size) => words.length * size * 0.602;
function boxOf(lines) {
  return { width: Math.max(60, textWidth(lines[0], 12) + 16, textWidth(lines[1], 10.3) + 16), height: lines[1] ? 36 : 24, lines };
}
function nodeLines(node, group, merged) {
  const values = Object.entries(node.attributes || {}).filter(([key]) => key.startsWith("value"));
  const type = (node.outputs || []).map((name) => merged.types[name]).find(Boolean);
  const isBoxed = node.path[node.path.length - 1] === group.key || !node.module;
  const second = values.length ? JSON.stringify(values[0][1]) : !isBoxed ? node.module : type ? shortType(type) : node.name || "";
  return [clipped(shortOp(node.op), 26), clipped(second, 28)];
}
const tally = (ids, merged) => STATES.map((state) => [state, ids.filter((id) => merged.nodes.get(id).state === state).length]).filter(([, many]) => many);

// A folded group is what all of its nodes are; changed, where they differ and some are not kept.
function stateOf(group, merged) {
  const states = tally(group.members, merged).map(([state]) => state);
  return states.length === 1 ? states[0] : "changed";
}

// Where boxes stand and how links run. Layers of a model look alike: each form is laid out once.
const layouts = new Map();
function laidOut(boxes, links) {
  const key = JSON.stringify([boxes.map(({ width, height }) => [width, height]), links.map(({ from, to, isHelp }) => [from, to, isHelp])]);
  if (!layouts.has(key)) {
    const layout = new dagre.graphlib.Graph({ multigraph: true });
    layout.setGraph({ ranksep: 24, nodesep: 14, marginx: 10, marginy: 10, ranker: "tight-tree" });
    boxes.forEach(({ width, height }, i) => layout.setNode(i, { width, height }));
    links.forEach(({ from, to, isHelp }, i) => layout.setEdge(from, to, isHelp ? { weight: 20 } : {}, `${i}`));
    dagre.layout(layout);
    const { width = 0, height = 0 } = layout.graph();
    layouts.set(key, { width: Math.max(width, 40), height: Math.max(height, 40), at: boxes.map((_, i) => layout.node(i)), paths: links.map(({ from, to }, i) => layout.edge(from, to, `${i}`).points) });
  }
  return layouts.get(key);
}

// One group: where its nodes and groups stand, and the lines between them. A value that comes in
// or goes out passes a port on the group's upper or lower side.
function arranged(group, edges, merged, open) {
  const boxes = [];
  const place = new Map();
  const below = new Map();
  for (const id of group.nodes) {
    const node = merged.nodes.get(id);
    place.set(id, boxes.push({ ...boxOf(nodeLines(node, group, merged)), node }) - 1);
  }
  for (const child of group.groups.values()) {
    for (const id of child.members) place.set(id, boxes.length);
    below.set(boxes.length, []);
    boxes.push({ group: child });
  }
  for (const edge of edges) for (const at of new Set([place.get(edge.from), place.get(edge.to)])) below.get(at)?.push(edge);
  for (const [at, inner] of below) {
    const child = boxes[at].group;
    const counts = tally(child.members, merged).map(([state, many]) => `${many} ${state}`).join(", ");
    const inside = open.has(child.key) ? arranged(child, inner, merged, open) : null;
    const head = textWidth(`▾ ${child.label} ${child.kind}`, 11) + 20;
    boxes[at] = inside ? { width: Math.max(inside.width, head), height: inside.height + HEAD, group: child, inside }
      : { ...boxOf([`▸ ${clipped(child.label, 30)}`, child.kind && child.kind.length + counts.length < 40 ? `${child.kind}: ${counts}` : counts]), group: child };
  }
  const ports = new Map();
  const links = new Map();
  const portOf = (name, side) => {
    if (!ports.has(name)) {
      ports.set(name, boxes.push({ width: 2, height: 2, port: name }) - 1);
      if (!ports.has(side)) ports.set(side, boxes.push({ width: 2, height: 2, port: side }) - 1);
      // Ports stand together at the side: the lines through them do not cross the nodes.
      const [from, to] = side === "in" ? [ports.get(side), ports.get(name)] : [ports.get(name), ports.get(side)];
      links.set(`help ${name}`, { from, to, isHelp: true });
    }
    return ports.get(name);
  };
  for (const edge of edges) {
    const from = place.get(edge.from) ?? portOf(`in ${edge.from}`, "in");
    const to = place.get(edge.to) ?? portOf(`out ${edge.from}`, "out");
    if (from === to) continue;
    const key = `${from} ${to} ${edge.from}`;
    const isKept = (links.get(key) || {}).state === "kept" || (edge.was && edge.is);
    links.set(key, { from, to, value: edge.from, state: isKept ? "kept" : edge.is ? "new" : "gone" });
  }
  const all = [...links.values()];
  const { width, height, at, paths } = laidOut(boxes, all);
  boxes.forEach((box, i) => { [box.x, box.y] = [at[i].x - box.width / 2, at[i].y - box.height / 2]; });
  const lines = all.map(({ from, to, value, state, isHelp }, i) => {
    const path = paths[i].slice();
    const [first, last] = [boxes[from], boxes[to]];
    if (first.port) path.unshift({ x: first.x + 1, y: -HEAD });
    if (first.inside) path[0] = { x: first.x + (first.inside.ports.get(`out ${value}`) ?? first.width / 2), y: first.y + first.height };
    if (last.port) path.push({ x: last.x + 1, y: height });
    if (last.inside) path[path.length - 1] = { x: last.x + (last.inside.ports.get(`in ${value}`) ?? last.width / 2), y: last.y };
    return { path, state, isHelp, hasTip: !last.port && !last.inside };
  });
  return { width, height, lines: lines.filter((line) => !line.isHelp), boxes: boxes.filter((box) => !box.port), ports: new Map([...ports].map(([name, i]) => [name, boxes[i].x + 1])) };
}

// The drawing of some nodes. `data-node` and `data-group` say what was clicked.
function drawing(ids, edges, merged, chosenByReader, label) {
  const tree = groupTree(ids, merged);
  const innermost = (id) => merged.nodes.get(id).path.slice(-1)[0];
  // One constant may feed every layer: its lines stay inside the module that it stands in.
  const isFar = (from, to) => /Constant$/.test(merged.nodes.get(from).op) && innermost(from) !== innermost(to);
  const shown = edges.filter(({ from, to }) => ids.has(from) && ids.has(to) && !isFar(from, to));
  const whole = arranged(tree, shown, merged, openGroups(tree, merged, chosenByReader));
  const picture = svg("svg", { width: whole.width, height: whole.height, viewBox: `0 0 ${whole.width} ${whole.height}`, role: "group", "aria-label": `${label}: ${ids.size} nodes` });
  const draw = (part, dx, dy) => {
    for (const box of part.boxes) if (box.inside) {
      const [x, y] = [dx + box.x, dy + box.y];
      const frame = svg("g", { class: "frame", "data-group": box.group.key, tabindex: "0", role: "button", "aria-expanded": "true", "aria-label": `${box.group.label}: fold` });
      frame.append(svg("rect", { x, y, width: box.width, height: box.height, rx: 7 }), svg("text", { x: x + 10, y: y + 15 }, `▾ ${box.group.label} ${box.group.kind}`));
      picture.append(frame);
      draw(box.inside, x, y + HEAD);
    }
    for (const { path, state, hasTip } of part.lines) {
      const to = path[path.length - 1];
      const tip = hasTip ? `M${(dx + to.x - 3.5).toFixed(1)},${(dy + to.y - 6).toFixed(1)}l3.5,6l3.5,-6` : "";
      picture.append(svg("path", { class: `edge ${state}`, d: path.map((p, i) => `${i ? "L" : "M"}${(dx + p.x).toFixed(1)},${(dy + p.y).toFixed(1)}`).join("") + tip }));
    }
    for (const box of part.boxes) if (!box.inside) {
      const [x, y] = [dx + box.x, dy + box.y];
      const what = box.node
        ? { class: `node ${box.node.state}`, "data-node": box.node.id, "aria-label": `${box.node.op}, ${box.node.state}` }
        : { class: `folded ${stateOf(box.group, merged)}`, "data-group": box.group.key, "aria-expanded": "false", "aria-label": `${box.group.label}: unfold` };
      const drawn = svg("g", { ...what, transform: `translate(${x},${y})`, tabindex: "0", role: "button" });
      drawn.append(svg("title", {}, box.node ? `${box.node.op}${box.node.module ? ` in ${box.node.module}` : ""}: ${box.node.state}` : `${box.group.label} ${box.group.kind}`),
        svg("rect", { width: box.width, height: box.height, rx: 5 }), svg("text", { x: 8, y: 15 }, box.lines[0]));
      if (box.lines[1]) drawn.append(svg("text", { x: 8, y: 29, class: "where" }, box.lines[1]));
      picture.append(drawn);
    }
  };
  draw(whole, 0, 0);
  return picture;
}
