// The borders that can be moved: dragged, or by the arrow keys.
function divider(id, label, { width, place, turned = 1 }) {
  const said = () => handle.setAttribute("aria-valuenow", Math.round((width() / (document.body.clientWidth || 1)) * 100));
  const put = (wanted) => {
    place(wanted);
    said();
    drawAll();
  };
  const handle = el("div.divider", { id, role: "separator", tabindex: "0", "aria-orientation": "vertical", "aria-valuemin": "0", "aria-valuemax": "100", "aria-label": label, title: `Drag, or ← →: ${label.toLowerCase()}` });
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -24, ArrowRight: 24 }[event.key];
    if (!by) return;
    put(width() + by * turned);
    event.preventDefault();
    event.stopPropagation();
  });
  handle.addEventListener("pointerdown", (down) => {
    handle.setPointerCapture(down.pointerId);
    const from = width();
    const move = (event) => put(from + (event.clientX - down.clientX) * turned);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
    down.preventDefault();
    handle.focus();
  });
  said();
  return handle;
}

const pixels = (name, wanted, least, most) =>
  document.documentElement.style.setProperty(name, `${Math.round(Math.min(Math.max(wanted, least), most))}px`);

// What depends on the width of the bars.
function drawAll() {
  drawCharts();
  drawFlame();
  draw();
}

function startDividers() {
  $("axis").after(divider("divider", "Width of the names", {
    width: () => $("axis").querySelector(".cols").offsetWidth,
    place: (wanted) => pixels("--names", wanted, 200, $("timeline").clientWidth * 0.8),
  }));
  $("timeline").after(divider("details-divider", "Width of the details", {
    width: () => $("details").offsetWidth, turned: -1,
    place: (wanted) => pixels("--details", wanted, 240, $("body").clientWidth * 0.6),
  }));
}
