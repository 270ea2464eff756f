// One address for everything that is shown: #span=ID&zoom=FROM-TO&tab=NAME&step=NUMBER.
// A span's id is the trace's, so that a link holds when the report is made again.
function parts() {
  const found = {};
  for (const piece of location.hash.slice(1).split("&")) {
    const at = piece.indexOf("=");
    if (at > 0) found[piece.slice(0, at)] = decoded(piece.slice(at + 1));
  }
  return found;
}
// A value as it stands where it is no encoded text, such as a lone percent sign.
function decoded(value) {
  try { return decodeURIComponent(value); } catch { return value; }
}
function addressOf(change) {
  const pieces = Object.entries({ ...parts(), ...change }).filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `#${pieces.join("&")}`;
}

// What is shown now. Leaving the whole time is a step in the history, so that Back returns to it; the rest is none.
function remember(change) {
  if (isRestoring) return;
  const address = addressOf(change);
  if (address === (location.hash || "#")) return;
  const write = change.zoom && !parts().zoom ? "pushState" : "replaceState";
  history[write](null, "", address === "#" ? location.pathname + location.search : address);
}

// A link: a step in the history, so that Back returns; the target comes into sight.
function goTo(change) {
  const address = addressOf(change);
  if (address === location.hash) restore();
  else location.hash = address;
}

const byId = new Map(spans.map((span) => [span.id, span]));
// What an address does not name is as it was at first: the whole time, the first tab.
function restore() {
  const { span: id, zoom: range, tab: name, step: number } = parts();
  isRestoring = true;
  try {
    const span = byId.get(id);
    const root = span ? rootOf(span) : spans[report.roots[0]];
    if (root !== view.root) show(root);
    chooseTab(name || TABS[0][0]);
    if (name === "walk" && /^\d+$/.test(number || "")) { walkAt = Math.max(0, number - 1); drawTables(); }
    if (name === "graph" && /^\d+$/.test(number || "")) { graphView.at = Math.max(0, number - 1); drawTables(); }
    const window = /^(\d+)-(\d+)$/.exec(range || "");
    const isRange = window && Number(window[1]) < Number(window[2]);
    zoom(isRange ? Number(window[1]) : 0, isRange ? Number(window[2]) : view.root.duration || 1);
    if (span) {
      select(span);
      $("rows").scrollIntoView({ block: "center" });
      requestAnimationFrame(() => requestAnimationFrame(() => {
        for (const node of [$("details"), $(idOf(span))]) {
          if (!node) continue;
          node.classList.remove("flash");
          node.classList.add("flash");
        }
      }));
    }
    else if (view.selected !== atFirst(root)) select(atFirst(root));
    if (name && !span) $("tables").scrollIntoView({ block: "start" });
  } finally {
    isRestoring = false;
  }
}
