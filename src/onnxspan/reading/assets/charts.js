// The graph's nodes, its bytes and the memory, over the waterfall's own time axis.
const SERIES = [
  { id: "nodes", label: "Graph nodes", color: "var(--stages)", show: count, zero: true, value: (span) => span.at[K.nodes] },
  { id: "bytes", label: "Graph bytes", color: "var(--nodes)", show: bytes, zero: true,
    value: (span) => {
      const [parameters, constants] = [span.at[K.parameterBytes], span.at[K.constantBytes]];
      return typeof parameters === "number" || typeof constants === "number" ? { parameters, constants } : undefined;
    } },
  { id: "memory", label: "Resident memory", color: "var(--passes)", show: bytes, zero: false, value: (span) => span.at[K.rss] },
];
const HEIGHT = 60;
// Of the drawing, which is as wide as its column, on the screen and in print.
const WIDTH = 1000;

function measure(series) {
  const points = [];
  for (const span of inView()) {
    const value = series.value(span);
    if (value !== undefined && value !== null && span.ended) points.push({ at: span.start + span.duration, value, span });
    if (series.id === "memory" && span === view.root && typeof value === "number")
      points.push({ at: span.start, value: value - (span.at[K.growth] || 0), span });
  }
  points.sort((a, b) => a.at - b.at || b.span.depth - a.span.depth);
  if (series.id === "bytes") addUp(points);
  series.points = points;
  series.box.hidden = !points.length;
  const values = points.map((p) => p.value);
  series.most = values.reduce((a, b) => Math.max(a, b), 0);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  series.least = series.zero || !values.length ? 0 : least - (series.most - least) * 0.1 - 1;
  // The three changes that stand out, each at the pass after which it was there.
  series.jumps = points.slice(1).map((p, i) => ({ ...p, by: p.value - points[i].value }))
    .filter((p) => Math.abs(p.by) > (series.most - series.least) * 0.08)
    .sort((a, b) => Math.abs(b.by) - Math.abs(a.by)).slice(0, 4).sort((a, b) => a.at - b.at);
}

// Parameters and constants are said by different spans: each keeps its last known size, and
// the parameters begin as the model's own.
function addUp(points) {
  let parameters = exportOf(view.root).at[K.modelBytes] || 0;
  let constants = 0;
  for (const point of points) {
    parameters = point.value.parameters ?? parameters;
    constants = point.value.constants ?? constants;
    point.value = parameters + constants;
  }
}

// The least and the most that is drawn: of the time in sight, so that a zoom shows small steps too.
function reach(series) {
  if (isWhole()) return [series.least, series.most];
  let [least, most, before] = [Infinity, -Infinity, null];
  const take = (value) => { least = Math.min(least, value); most = Math.max(most, value); };
  for (const point of series.points) {
    if (point.at > view.to) break;
    if (point.at < view.from) before = point;
    else take(point.value);
  }
  if (before) take(before.value);
  if (most < least) return [series.least, series.most];
  return [series.zero ? 0 : least - (most - least) * 0.1 - 1, most];
}

function drawChart(series) {
  const width = WIDTH;
  const x = (at) => ((at - view.from) / (view.to - view.from)) * width;
  const [least, most] = reach(series);
  const y = (value) => HEIGHT - 4 - ((value - least) / (most - least || 1)) * (HEIGHT - 20);
  let path = "";
  let lastX = null;
  let low, high;
  let before = null;
  for (const point of series.points) {
    if (point.at < view.from) { before = point; continue; }
    if (path === "") path = before ? `M0 ${y(before.value).toFixed(1)}` : `M${Math.min(x(point.at), width).toFixed(1)} ${y(point.value).toFixed(1)}`;
    if (point.at > view.to) break;
    const px = Math.round(x(point.at) * 2) / 2;
    if (px === lastX && point.value >= low && point.value <= high) continue;
    if (px !== lastX) { low = high = point.value; lastX = px; } else { low = Math.min(low, point.value); high = Math.max(high, point.value); }
    path += `H${px}V${y(point.value).toFixed(1)}`;
  }
  if (path === "" && before) path = `M0 ${y(before.value).toFixed(1)}`;
  const parts = [];
  if (path) {
    path += `H${width}`;
    const start = path.match(/^M([\d.-]+)/)[1];
    parts.push(svg("path", { class: "area", d: `${path}V${HEIGHT}H${start}Z`, fill: series.color }));
    parts.push(svg("path", { class: "stroke", d: path, stroke: series.color }));
  }
  const taken = [];
  const names = [];
  const column = series.svg.clientWidth || 600;
  for (const jump of [...series.jumps].sort((a, b) => Math.abs(b.by) - Math.abs(a.by))) {
    const part = x(jump.at) / WIDTH;
    const name = `${jump.span.name.replace(/^_jit_pass_(onnx_)?/, "")} ${signed(jump.by, series.show)}`;
    const room = name.length * 6.2;
    const left = Math.min(part * column + 4, column - room);
    if (part < 0 || part > 1 || taken.some(([from, to]) => left < to && left + room + 8 > from)) continue;
    taken.push([left, left + room + 8]);
    const said = el("span.jump", {}, name);
    said.style.left = `min(${(part * 100).toFixed(2)}% + 4px, 100% - ${Math.ceil(room)}px)`;
    names.push(said);
  }
  series.names.replaceChildren(...names);
  series.cross = svg("line", { class: "cross", y1: 0, y2: HEIGHT, x1: -5, x2: -5 });
  series.svg.replaceChildren(...parts, series.cross);
  say(series, null);
}

function say(series, at) {
  let found = null;
  if (at === null) found = series.points[series.points.length - 1];
  else for (const point of series.points) { if (point.at > at) break; found = point; }
  series.at = found;
  series.said.textContent = !found ? "not recorded" : at === null
    ? `${series.show(found.value)} at the end, at most ${series.show(series.most)}${series.id === "memory" ? " after a span" : ""}`
    : `${series.show(found.value)} after ${visible(found.span.name)}`;
}

function drawCharts() { SERIES.forEach(drawChart); }
function measureCharts() { SERIES.forEach(measure); drawCharts(); }

function startCharts() {
  for (const series of SERIES) {
    series.svg = svg("svg", { role: "img", "aria-label": `${series.label} over time`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" });
    series.names = el("div.jumps");
    series.said = el("span");
    series.box = el("div.chart", { "data-series": series.id }, el("div.label", {}, el("b", {}, series.label), series.said), el("div.drawn", {}, series.svg, series.names));
    $("charts").append(series.box);
    series.svg.addEventListener("pointermove", (event) => {
      const { left, width } = series.svg.getBoundingClientRect();
      const part = (event.clientX - left) / width;
      for (const each of SERIES) {
        say(each, view.from + part * (view.to - view.from));
        each.cross.setAttribute("x1", part * WIDTH);
        each.cross.setAttribute("x2", part * WIDTH);
      }
    });
    series.svg.addEventListener("pointerleave", () => SERIES.forEach((each) => {
      say(each, null);
      each.cross.setAttribute("x1", -5);
      each.cross.setAttribute("x2", -5);
    }));
    series.svg.addEventListener("click", () => series.at && select(series.at.span));
    brush(series.svg, () => series.svg.getBoundingClientRect());
  }
}
