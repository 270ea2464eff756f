// The border between names and bars: dragged, or moved by the arrow keys.
function startDivider() {
  const width = () => $("axis").querySelector(".cols").offsetWidth;
  const handle = el("div", { id: "divider", role: "separator", tabindex: "0", "aria-orientation": "vertical", "aria-label": "Width of the names", title: "Drag, or ← →: width of the names" });
  const place = (names) => {
    const room = $("timeline").clientWidth;
    document.documentElement.style.setProperty("--names", `${Math.round(Math.min(Math.max(names, 200), room * 0.8))}px`);
    said();
    drawCharts();
    draw();
  };
  const said = () => {
    handle.setAttribute("aria-valuemin", "0");
    handle.setAttribute("aria-valuemax", "100");
    handle.setAttribute("aria-valuenow", Math.round((width() / ($("timeline").clientWidth || 1)) * 100));
  };
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -24, ArrowRight: 24 }[event.key];
    if (!by) return;
    place(width() + by);
    event.preventDefault();
    event.stopPropagation();
  });
  handle.addEventListener("pointerdown", (down) => {
    handle.setPointerCapture(down.pointerId);
    const from = width();
    const move = (event) => place(from + event.clientX - down.clientX);
    handle.addEventListener("pointermove", move);
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
    down.preventDefault();
    handle.focus();
  });
  $("axis").after(handle);
  said();
}
