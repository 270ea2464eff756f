// The waterfall: only the rows in sight exist, whatever the trace's size.
const ROW = 24;
let shown = [];
let drawPending = false;
let printing = 0;

function listRows() {
  shown = [];
  const end = view.root.index + view.root.size;
  for (let i = view.root.index; i < end; ) {
    spans[i].row = shown.length;
    shown.push(i);
    i += isOpen[i] ? 1 : spans[i].size;
  }
  $("space").style.height = `${shown.length * ROW}px`;
}

const scale = (at) => ((at - view.from) / (view.to - view.from)) * 100;

// A failure that the exporter dealt with is marked, but not as one that ended the export.
// Of those that ended it the origin is solid, and all that the exception only went through is outlined.
const problemOf = (span) => (!span.error ? "" : span.handled ? ".handled" : span === view.origin ? ".failed" : ".failed.around");
const problemSaid = (span) => (!span.error ? "" : span.handled ? "✕ handled" : pathOf(view.origin || span).slice(0, -1).includes(span) ? "failed inside" : "✕ failed");

// Names differ at their ends: the common beginning is dimmed, and what is too long is cut in the middle.
const PREFIX = "_jit_pass_";
function shortened(name, depth) {
  const room = Math.max(Math.floor(($("axis").querySelector(".cols").clientWidth - 200 - Math.min(depth, 12) * 12) / 7.3), 12);
  if (name.length <= room) return name.startsWith(PREFIX) ? [el("span.dim", {}, PREFIX), name.slice(PREFIX.length)] : name;
  const rest = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const lead = rest === name ? "" : el("span.dim", {}, "…");
  const left = room - (lead ? 1 : 0);
  if (rest.length <= left) return [lead, rest];
  const end = Math.ceil((left - 1) * 0.6);
  return [lead, rest.slice(0, Math.max(left - 1 - end, 1)), "…", rest.slice(-end)];
}

function makeRow(span) {
  const isSelected = span === view.selected;
  const open = isOpen[span.index];
  const bar = el(`i.${span.level}${problemOf(span)}${span.ended ? "" : ".unended"}`);
  bar.style.left = `${Math.max(scale(span.start), -1)}%`;
  bar.style.width = `${Math.min(scale(span.start + span.duration), 101) - Math.max(scale(span.start), -1)}%`;
  if (span.start > view.to || span.start + span.duration < view.from) bar.style.display = "none";
  const change = span.at[K.change];
  const twist = el("span.twist", { "aria-hidden": "true" }, span.children ? (open ? "▼" : "▶") : "");
  twist.style.marginLeft = `${4 + Math.min(span.depth - view.root.depth, 12) * 12}px`;
  // Warm where the time went: a quarter of the whole and more in the span itself.
  const isHot = view.root.duration && span.duration - span.inside >= view.root.duration / 4;
  const row = el(`div.row${isHot ? ".hot" : ""}${isSelected ? ".selected" : ""}${problemOf(span)}${view.hits.includes(span.index) ? ".hit" : ""}`,
    { role: "treeitem", id: `row${span.index}`, "aria-level": span.depth + 1, "aria-selected": isSelected,
      "aria-expanded": span.children ? Boolean(open) : null, "data-index": span.index },
    el("div.name", {}, twist, el("span.label", { title: visible(span.name) }, shortened(span.name, span.depth - view.root.depth)),
      el("span.extra", {}, span.error ? problemSaid(span) : !open ? `${extraOf(span)} (${count(span.size - 1)} inside)` : extraOf(span)),
      el("span.c-change", {}, change ? signed(change, count) : ""),
      el("span.c-share", {}, view.root.duration ? `${((span.duration / view.root.duration) * 100).toFixed(1)} %` : ""),
      el("span.c-time", {}, span.ended ? time(span.duration) : "no end")),
    el("div.track", {}, bar));
  row.style.top = `${span.row * ROW}px`;
  return row;
}

function drawRows() {
  drawPending = false;
  const box = $("rows");
  const first = printing ? 0 : Math.max(0, Math.floor(box.scrollTop / ROW) - 6);
  const last = printing ? Math.min(shown.length, printing) : Math.min(shown.length, first + Math.ceil(box.clientHeight / ROW) + 12);
  const rows = [];
  for (let i = first; i < last; i++) rows.push(makeRow(spans[shown[i]]));
  $("space").replaceChildren(...rows);
  if (view.selected) box.setAttribute("aria-activedescendant", `row${view.selected.index}`);
  else box.removeAttribute("aria-activedescendant");
}

function draw() {
  if (!drawPending) {
    drawPending = true;
    requestAnimationFrame(drawRows);
  }
}

function step(width) {
  const least = width / 8;
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= least) || least;
}

// With as many decimals as tell neighbours apart.
function tickText(at, by) {
  const [size, unit] = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]].find(([least]) => at >= least) || [1, "ns"];
  return `${(at / size).toFixed(Math.max(0, Math.ceil(-Math.log10(by / size) - 1e-9)))} ${unit}`;
}

function drawAxis() {
  const ticks = el("div.ticks");
  const by = step(view.to - view.from);
  for (let at = Math.ceil(view.from / by) * by; at < view.to && ticks.children.length < 20; at += by) {
    const tick = el("span", {}, at ? tickText(at, by) : "0");
    tick.style.left = `${scale(at)}%`;
    ticks.append(tick);
  }
  $("axis").replaceChildren(el("div.cols", {}, el("span", {}, "span"), el("span.c-change", {}, "Δ nodes"), el("span.c-share", {}, "share"), el("span.c-time", {}, "time")), ticks);
  const isWhole = view.from === 0 && view.to === view.root.duration;
  remember({ zoom: isWhole ? null : `${Math.round(view.from)}-${Math.round(view.to)}` });
  markFlame();
  $("reset").hidden = isWhole;
  $("range").textContent = isWhole ? "" : `${time(view.from)} – ${time(view.to)}`;
}

function zoom(from, to) {
  const all = view.root.duration || 1;
  const width = Math.min(Math.max(to - from, Math.min(all, 1000)), all);
  view.from = Math.min(Math.max(from, 0), all - width);
  view.to = view.from + width;
  drawAxis();
  drawCharts();
  draw();
}
const zoomBy = (factor, middle = (view.from + view.to) / 2) =>
  zoom(middle - (middle - view.from) * factor, middle + (view.to - middle) * factor);
function pan(part) {
  const by = (view.to - view.from) * part;
  const width = view.to - view.from;
  const from = Math.min(Math.max(view.from + by, 0), (view.root.duration || 1) - width);
  zoom(from, from + width);
}

function fold(span, open) {
  if (!span.children) return;
  isOpen[span.index] = open ? 1 : 0;
  listRows();
  draw();
}
function foldAll(open) {
  for (const span of inView()) if (span !== view.root) isOpen[span.index] = open ? 1 : 0;
  isOpen[view.root.index] = 1;
  const selected = view.selected;
  listRows();
  if (selected && !open) select(pathOf(selected)[Math.min(1, selected.depth)]);
  draw();
}

// Select a span and bring its row into sight, whatever was folded above it.
function select(span, { scroll = true } = {}) {
  if (!span) return;
  if (rootOf(span) !== view.root) show(rootOf(span));
  let unfolded = false;
  for (const above of pathOf(span).slice(0, -1))
    if (!isOpen[above.index]) { isOpen[above.index] = 1; unfolded = true; }
  if (unfolded) listRows();
  view.selected = span;
  const box = $("rows");
  const top = span.row * ROW;
  if (scroll && (top < box.scrollTop || top + ROW > box.scrollTop + box.clientHeight))
    box.scrollTop = top - box.clientHeight / 2;
  if (span.start + span.duration < view.from || span.start > view.to) zoom(0, view.root.duration);
  drawDetails(span);
  remember({ span: span === view.root ? null : span.id });
  draw();
}

// Dragging over the tracks or a chart zooms to what was dragged over.
function brush(area, edges) {
  area.addEventListener("pointerdown", (down) => {
    const { left, width } = edges();
    if (down.button !== 0 || down.clientX < left || down.clientX > left + width) return;
    const at = (event) => view.from + (Math.min(Math.max((event.clientX - left) / width, 0), 1)) * (view.to - view.from);
    const mark = el("div.brush");
    const host = $("timeline").getBoundingClientRect();
    const move = (event) => {
      if (Math.abs(event.clientX - down.clientX) < 5) return;
      if (!mark.isConnected) { $("timeline").style.position = "relative"; $("timeline").append(mark); }
      const [a, b] = [down.clientX, Math.min(Math.max(event.clientX, left), left + width)].sort((x, y) => x - y);
      mark.style.left = `${a - host.left}px`;
      mark.style.width = `${b - a}px`;
    };
    const up = (event) => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", up);
      if (!mark.isConnected) return;
      mark.remove();
      const [a, b] = [at(down), at(event)].sort((x, y) => x - y);
      const swallow = (click) => click.stopPropagation();  // the drag's own click selects nothing
      // Of the area alone: a click on a button right after the drag is meant.
      area.addEventListener("click", swallow, { capture: true });
      setTimeout(() => area.removeEventListener("click", swallow, { capture: true }), 50);
      zoom(a, b);
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", up);
    down.preventDefault();
    $("rows").focus({ preventScroll: true });
  });
  area.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const { left, width } = edges();
    zoomBy(event.deltaY > 0 ? 1.25 : 0.8, view.from + ((event.clientX - left) / width) * (view.to - view.from));
  }, { passive: false });
}

function startWaterfall() {
  const box = $("rows");
  box.addEventListener("scroll", draw);
  addEventListener("resize", drawAll);
  box.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (!row) return;
    const span = spans[row.dataset.index];
    if (event.target.closest(".twist") && span.children) fold(span, !isOpen[span.index]);
    else select(span, { scroll: false });
  });
  box.addEventListener("dblclick", (event) => {
    const row = event.target.closest(".row");
    if (row) zoomTo(spans[row.dataset.index]);
  });
  brush(box, () => $("axis").querySelector(".ticks").getBoundingClientRect());
}
const zoomTo = (span) => zoom(span.start - span.duration * 0.03, span.start + span.duration * 1.03);
