// The waterfall: only the rows in sight exist, whatever the trace's size.
const ROW = 24;
let shown = [];
let drawPending = false;
let printing = 0;

const isWhole = () => view.from === 0 && view.to === (view.root.duration || 1);

// The lines in their order; under a zoom those without any time in it are left out.
function listRows() {
  for (const line of shown) line.row = -1;
  shown = [];
  view.root.indent = 0;
  const all = isWhole();
  const stack = [view.root];
  while (stack.length) {
    const line = stack.pop();
    if (!all && (line.last < view.from || line.first > view.to)) continue;
    line.row = shown.length;
    shown.push(line);
    if (!hasBelow(line) || !isUnfolded(line)) continue;
    const below = linesBelow(line);
    for (let i = below.length - 1; i >= 0; i--) {
      below[i].indent = line.indent + 1;
      stack.push(below[i]);
    }
  }
  $("space").style.height = `${shown.length * ROW}px`;
}

const scale = (at) => ((at - view.from) / (view.to - view.from)) * 100;

// A failure that the exporter dealt with is marked, but not as one that ended the export.
// Of those that ended it the origin is solid, and all that the exception only went through is outlined.
const problemOf = (span) => (span.ended === false ? (span === view.origin ? ".failed" : ".failed.around") : !span.error ? "" : span.handled ? ".handled" : span === view.origin ? ".failed" : ".failed.around");
const problemSaid = (span) => (!span.ended ? (span === view.origin ? "✕ ended here" : "") : span.handled ? "✕ handled" : pathOf(view.origin || span).slice(0, -1).includes(span) ? "failed inside" : "✕ failed");

// Names differ at their ends: the common beginning is dimmed, and what is too long is cut in the middle.
const PREFIX = "_jit_pass_";
function shortened(name, room) {
  if (name.length <= room) return name.startsWith(PREFIX) ? [el("span.dim", {}, PREFIX), name.slice(PREFIX.length)] : name;
  const rest = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name;
  const lead = rest === name ? "" : el("span.dim", {}, "…");
  const left = room - (lead ? 1 : 0);
  if (rest.length <= left) return [lead, rest];
  const end = Math.ceil((left - 1) * 0.6);
  return [lead, rest.slice(0, Math.max(left - 1 - end, 1)), "…", rest.slice(-end)];
}

// Letters that a name has room for: the figures beside it have fixed columns, an empty change has none.
const roomOf = (line, change, twist, lead) => {
  const [width, letter] = printing ? [400, 6.05] : [$("axis").querySelector(".cols").clientWidth, 7.23]; // in print as the style says
  return Math.max(Math.floor((width - 154 - (change ? changeWidth : 0) - twist) / letter) - lead, 12);
};

function bars(line) {
  if (isFold(line)) return [manyBars(line)];
  const bar = el(`i.${heatOf(line)}${problemOf(line)}${line.ended ? "" : ".unended"}`);
  bar.style.left = `min(${Math.max(scale(line.start), -1)}%, 100% - 3px)`; // what began at the very end is seen
  bar.style.width = `${Math.min(scale(line.start + line.duration), 101) - Math.max(scale(line.start), -1)}%`;
  bar.style.setProperty("--strength", `${strengthOf(line) * 100}%`);
  if (line.start > view.to || line.start + line.duration < view.from) bar.style.display = "none";
  return [bar];
}

// Of a shared line every span's time, in one drawing: neighbours closer than a pixel are one.
function manyBars(fold) {
  const width = $("flame").clientWidth || 600;
  const pixel = (at) => ((at - view.from) / (view.to - view.from)) * width;
  const drawn = [];
  for (const span of fold.spans) {
    const left = Math.max(pixel(span.start), 0);
    const right = Math.min(Math.max(pixel(span.start + span.duration), left + 2), width);
    if (span.start + span.duration < view.from || span.start > view.to) continue;
    const last = drawn[drawn.length - 1];
    if (last && left - last[1] < 1) last[1] = Math.max(last[1], right);
    else drawn.push([left, right]);
  }
  const all = svg("svg", { class: heatOf(fold), viewBox: `0 0 ${width} 12`, preserveAspectRatio: "none" });
  all.append(svg("path", { d: drawn.map(([left, right]) => `M${left.toFixed(1)} 0H${right.toFixed(1)}V12H${left.toFixed(1)}Z`).join("") }));
  return all;
}

const lineOf = (row) => (row.dataset.fold !== undefined ? folds[row.dataset.fold] : spans[row.dataset.index]);

function makeRow(line) {
  const ofFold = isFold(line);
  const open = isUnfolded(line);
  const isSelected = line === view.selected;
  const change = ofFold ? line.change : line.at[K.change];
  const twist = el("span.twist", { "aria-hidden": "true" }, hasBelow(line) ? (open ? "▼" : "▶") : "");
  const indent = 4 + Math.min(line.indent, 12) * 12;
  twist.style.marginLeft = `${indent}px`;
  const said = ofFold ? (line.hits ? `${count(line.hits)} found inside` : "") : line.error || !line.ended ? problemSaid(line)
    : hasBelow(line) && !open ? `${extraOf(line)} (${count(line.size - 1)} inside)` : extraOf(line);
  const isHit = ofFold ? line.hits > 0 : view.hits.includes(line.index);
  const row = el(`div.row.${heatOf(line)}${ofFold ? ".shared" : ""}${isSelected ? ".selected" : ""}${problemOf(line)}${isHit ? ".hit" : ""}`,
    { role: "treeitem", id: idOf(line), "aria-level": line.indent + 1, "aria-selected": isSelected,
      "aria-expanded": hasBelow(line) ? open : null, "data-index": line.index, "data-fold": line.fold },
    el("div.name", {}, twist, el("span.label", { title: visible(nameOf(line)) }, ofFold ? el("span.dim", {}, line.prefix) : "",
      shortened(line.name, roomOf(line, change, indent, ofFold ? line.prefix.length : 0))),
      el("span.extra", {}, said),
      change ? el("span.c-change", {}, signed(change, count)) : "",
      el("span.c-share", {}, shareOf(line)),
      el("span.c-time", {}, line.ended ? time(line.duration) : "no end")),
    el("div.track", {}, bars(line)));
  row.style.top = `${line.row * ROW}px`;
  return row;
}

let changeWidth = 58; // none on a telephone, which has no such column
function drawRows() {
  drawPending = false;
  changeWidth = printing ? 58 : $("axis").querySelector(".c-change").offsetWidth;
  const box = $("rows");
  const first = printing ? 0 : Math.max(0, Math.floor(box.scrollTop / ROW) - 6);
  const last = printing ? Math.min(shown.length, printing) : Math.min(shown.length, first + Math.ceil(box.clientHeight / ROW) + 12);
  const rows = [];
  for (let i = first; i < last; i++) rows.push(makeRow(shown[i]));
  $("space").replaceChildren(...rows);
  if (view.selected && $(idOf(view.selected))) box.setAttribute("aria-activedescendant", idOf(view.selected));
  else box.removeAttribute("aria-activedescendant");
}

function draw() {
  if (!drawPending) {
    drawPending = true;
    requestAnimationFrame(drawRows);
  }
}

// Time from one mark of the axis to the next: as close as their texts allow.
function step(time, width) {
  const least = time / Math.min(Math.max(width / 76, 2), 8);
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
  const width = $("flame").clientWidth || 600;
  const by = step(view.to - view.from, width);
  for (let at = Math.ceil(view.from / by) * by; at < view.to && ticks.children.length < 20; at += by) {
    const said = at ? tickText(at, by) : "0";
    const tick = el("span", {}, (scale(at) / 100) * width + said.length * 6.2 + 6 < width ? said : "");
    tick.style.left = `${scale(at)}%`;
    ticks.append(tick);
  }
  $("axis").replaceChildren(el("div.cols", {}, el("span", {}, "span"), el("span.c-change", {}, "Δ nodes"), el("span.c-share", {}, "share"), el("span.c-time", {}, "time")), ticks);
  const whole = isWhole();
  remember({ zoom: whole ? null : `${Math.round(view.from)}-${Math.round(view.to)}` });
  markFlame();
  $("reset").hidden = whole;
  $("range").textContent = whole ? "" : `${tickText(view.from, by / 10)} – ${tickText(view.to, by / 10)}`;
}

function zoom(from, to) {
  const all = view.root.duration || 1;
  const width = Math.min(Math.max(to - from, Math.min(all, 1000)), all);
  view.from = Math.min(Math.max(from, 0), all - width);
  view.to = view.from + width;
  listRows();
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

function fold(line, open) {
  if (!hasBelow(line)) return;
  setOpen(line, open);
  listRows();
  draw();
}
// Every span on a line of its own, in the order of the calls; or as the page was at first.
function foldAll(all) {
  openAsAtFirst();
  if (all) isOpen.fill(1);
  view.all = all;
  listRows();
  let line = view.selected;
  for (let one = line && above(line); one; one = above(one)) if (!isUnfolded(one)) line = one;
  select(line);
  draw();
}

// Select a line and bring it into sight, whatever was folded above it.
function select(line, { scroll = true } = {}) {
  if (!line) return;
  if (view.all && isFold(line)) [line] = line.spans;
  const root = rootOf(isFold(line) ? spans[line.parent] : line);
  if (root !== view.root) show(root);
  let unfolded = false;
  for (let one = above(line); one; one = above(one))
    if (!isUnfolded(one)) { setOpen(one, true); unfolded = true; }
  if (unfolded) listRows();
  if (line.last < view.from || line.first > view.to) zoom(0, view.root.duration);
  view.selected = line;
  const box = $("rows");
  const top = line.row * ROW;
  if (scroll && (top < box.scrollTop || top + ROW > box.scrollTop + box.clientHeight))
    box.scrollTop = top - box.clientHeight / 2;
  if (isFold(line)) drawFoldDetails(line);
  else drawDetails(line);
  remember({ span: isFold(line) || line === atFirst(spans[report.roots[0]]) ? null : line.id });
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
    const line = lineOf(row);
    const turns = isFold(line) || event.target.closest(".twist");
    if (turns && hasBelow(line)) fold(line, !isUnfolded(line));
    if (isFold(line) || !turns || !hasBelow(line)) select(line, { scroll: false });
  });
  box.addEventListener("dblclick", (event) => {
    const row = event.target.closest(".row");
    if (row && row.dataset.fold === undefined) zoomTo(lineOf(row));
  });
  brush(box, () => $("axis").querySelector(".ticks").getBoundingClientRect());
}
const zoomTo = (line) => { const [from, to] = isFold(line) ? [line.first, line.last] : [line.start, line.start + line.duration]; zoom(from - (to - from) * 0.03, to + (to - from) * 0.03); };
