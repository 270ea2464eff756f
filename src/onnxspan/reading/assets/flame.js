// The whole export above the waterfall, at any zoom: an overview, and the control of the zoom.
const FLAME = { row: 5, most: 9 };

// One line a depth; spans of less than a pixel of a line are drawn once a pixel.
function drawFlame() {
  const canvas = $("flame-all");
  const width = Math.round(canvas.clientWidth * devicePixelRatio);
  const row = Math.round(FLAME.row * devicePixelRatio);
  if (!width) return;
  canvas.width = width;
  canvas.height = row * FLAME.most;
  const paint = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colors = Object.fromEntries([...Object.keys(HEATS), "bad", "warn"].map((name) => [name, style.getPropertyValue(`--${name}`)]));
  const all = view.root.duration || 1;
  const drawn = new Array(FLAME.most).fill(-1);
  for (let i = view.root.index; i < view.root.index + view.root.size; i++) {
    const span = spans[i];
    const depth = span.depth - view.root.depth;
    if (depth >= FLAME.most) { i += span.size - 1; continue; }
    const left = Math.floor((span.start / all) * width);
    const right = Math.max(Math.floor(((span.start + span.duration) / all) * width), left + 1);
    const isMarked = span === view.origin;
    if (right <= drawn[depth] && !isMarked) continue;
    drawn[depth] = Math.max(right, drawn[depth]);
    paint.fillStyle = isMarked ? colors.bad : span.handled ? colors.warn : colors[heatOf(span)];
    paint.globalAlpha = isMarked ? 1 : strengthOf(span);
    paint.fillRect(left, depth * row, Math.max(right - left - (right - left > 3 ? 1 : 0), isMarked ? 3 : 1), row - 1);
  }
  if (!view.origin) return;
  // Where the export ended is seen at any width and depth.
  paint.fillStyle = colors.bad;
  paint.globalAlpha = 1;
  paint.fillRect(Math.min(Math.floor((view.origin.start / all) * width), width - 2), 0, Math.max(devicePixelRatio, 1), canvas.height);
}

// The part that the waterfall shows.
function markFlame() {
  const all = view.root.duration || 1;
  const strip = $("flame");
  const mark = $("flame-window");
  mark.style.left = `${(view.from / all) * 100}%`;
  mark.style.width = `${((view.to - view.from) / all) * 100}%`;
  strip.setAttribute("aria-valuenow", Math.round(((view.from + view.to) / 2 / all) * 100));
  strip.setAttribute("aria-valuetext", `${time(view.from)} to ${time(view.to)} of ${time(all)}`);
}

function startFlame() {
  const strip = el("div", { id: "flame", role: "slider", tabindex: "0", "aria-label": "Time that is shown", "aria-valuemin": "0", "aria-valuemax": "100",
    title: "The whole export. Drag: show that time; click: move there; ← → move, + − zoom, 0 the whole" },
  el("canvas", { id: "flame-all" }), el("div", { id: "flame-window" }));
  $("overview").append(el("div.label", {}, "Whole export"), strip);
  const at = (event) => {
    const { left, width } = strip.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - left) / width, 0), 1) * (view.root.duration || 1);
  };
  strip.addEventListener("pointerdown", (down) => {
    if (down.button !== 0) return;
    strip.setPointerCapture(down.pointerId);
    const first = at(down);
    let dragged = false;
    const move = (event) => {
      if (!dragged && Math.abs(event.clientX - down.clientX) < 5) return;
      dragged = true;
      const [from, to] = [first, at(event)].sort((a, b) => a - b);
      zoom(from, to);
    };
    strip.addEventListener("pointermove", move);
    strip.addEventListener("lostpointercapture", () => {
      strip.removeEventListener("pointermove", move);
      const width = view.to - view.from;
      if (!dragged) zoom(first - width / 2, first + width / 2);
    }, { once: true });
  });
  const keys = { ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2), ArrowUp: () => zoomBy(0.7), ArrowDown: () => zoomBy(1.4),
    Home: () => zoom(0, view.to - view.from), End: () => zoom(view.root.duration - (view.to - view.from), view.root.duration) };
  strip.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    keys[event.key]();
    event.preventDefault();
  });
  strip.addEventListener("dblclick", () => zoom(0, view.root.duration));
  new MutationObserver(drawFlame).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}
