// One address for everything that is shown: #span=ID&zoom=FROM-TO&tab=NAME&step=NUMBER.
// A span's id is the trace's, so that a link holds when the report is made again.
function parts() {
  const found = {};
  for (const piece of location.hash.slice(1).split("&")) {
    const at = piece.indexOf("=");
    if (at > 0) found[piece.slice(0, at)] = decodeURIComponent(piece.slice(at + 1));
  }
  return found;
}
function addressOf(change) {
  const pieces = Object.entries({ ...parts(), ...change }).filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`);
  return `#${pieces.join("&")}`;
}

// What is shown now, without a step of its own in the history.
function remember(change) {
  if (isRestoring) return;
  const address = addressOf(change);
  if (address !== (location.hash || "#")) history.replaceState(null, "", address === "#" ? location.pathname + location.search : address);
}

// A link: a step in the history, so that Back returns; the target comes into sight.
function goTo(change) {
  const address = addressOf(change);
  if (address === location.hash) restore();
  else location.hash = address;
}

const byId = new Map(spans.map((span) => [span.id, span]));
function restore() {
  const { span: id, zoom: range, tab: name, step: number } = parts();
  isRestoring = true;
  try {
    if (name) chooseTab(name);
    if (name === "walk" && /^\d+$/.test(number || "")) { walkAt = number - 1; drawTables(); }
    if (name === "graph" && /^\d+$/.test(number || "")) { graphView.at = number - 1; drawTables(); }
    const span = byId.get(id);
    if (span) {
      select(span);
      $("rows").scrollIntoView({ block: "center" });
      requestAnimationFrame(() => requestAnimationFrame(() => {
        for (const node of [$("details"), $(`row${span.index}`)]) {
          if (!node) continue;
          node.classList.remove("flash");
          node.classList.add("flash");
        }
      }));
    }
    const window = /^(\d+)-(\d+)$/.exec(range || "");
    if (window && Number(window[1]) < Number(window[2])) zoom(Number(window[1]), Number(window[2]));
    if (name && !span) $("tables").scrollIntoView({ block: "start" });
  } finally {
    isRestoring = false;
  }
}
