// Short and repeated spans share a line, as in the terminal's tree: Python decides which, and the words.
const folds = report.folds.map(([parent, prefix, name, members], number) => {
  const inside = members.map((index) => spans[index]);
  const total = (what) => inside.reduce((sum, span) => sum + what(span), 0);
  const fold = {
    fold: number, parent, prefix, name, spans: inside, isOpen: false, hits: 0, depth: spans[parent].depth + 1, ended: true,
    start: inside[0].start, duration: total((span) => span.duration), inside: total((span) => Math.min(span.inside, span.duration)),
    first: inside.reduce((least, span) => Math.min(least, span.first), Infinity),
    last: inside.reduce((most, span) => Math.max(most, span.last), 0),
    change: total((span) => span.at[K.change] || 0),
  };
  for (const span of inside) span.sharing = fold;
  return fold;
});
const foldsBelow = new Map();
for (const fold of folds) foldsBelow.set(fold.parent, [...(foldsBelow.get(fold.parent) || []), fold]);

const isFold = (line) => line.fold !== undefined;
const idOf = (line) => (isFold(line) ? `fold${line.fold}` : `row${line.index}`);
const nameOf = (line) => (isFold(line) ? line.prefix + line.name : line.name);
const hasBelow = (line) => line.children > 0 || isFold(line);
const isUnfolded = (line) => (isFold(line) ? line.isOpen : Boolean(isOpen[line.index]));
const setOpen = (line, open) => { if (isFold(line)) line.isOpen = open; else isOpen[line.index] = open ? 1 : 0; };

// The line above: the one that a span shares with others, else its parent.
const above = (line) => (!isFold(line) && line.sharing && !view.all ? line.sharing : line.parent < 0 || line === view.root ? null : spans[line.parent]);

function linesBelow(line) {
  if (isFold(line)) return line.spans;
  const found = [];
  for (let i = line.index + 1; i < line.index + line.size; i += spans[i].size) if (view.all || !spans[i].sharing) found.push(spans[i]);
  return view.all ? found : [...found, ...(foldsBelow.get(line.index) || [])];
}

// What a reader sees first: every line open that has not very many below it, and shared lines closed.
function openAsAtFirst() {
  view.all = false;
  isOpen.fill(1);
  for (const fold of folds) fold.isOpen = false;
  if (spans.length <= 1000) return;
  const lines = new Map();
  for (const span of spans) if (span.parent >= 0 && !span.sharing) lines.set(span.parent, (lines.get(span.parent) || 0) + 1);
  for (const [index, number] of lines) if (number > 100) isOpen[index] = 0;
}
openAsAtFirst();

// Self time as a share of the whole colours a bar, with the terminal's limits; what only waits for its children is pale.
const selfOf = (line) => Math.max(line.duration - line.inside, 0);
const partOf = (line) => (view.root.duration ? selfOf(line) / view.root.duration : 0);
const HEATS = { hot: "self ≥ 25 %", warm: "self ≥ 5 %", cool: "self < 5 %" };
// Of what never ended nobody knows the self time.
const heatOf = (line) => (!line.ended ? "cool" : partOf(line) >= 0.25 ? "hot" : partOf(line) >= 0.05 ? "warm" : "cool");
const strengthOf = (line) => 0.3 + 0.7 * Math.sqrt(line.duration ? selfOf(line) / line.duration : 1);
const percent = (part) => (part > 0 && part < 0.0005 ? "<0.1 %" : part >= 0.9995 ? `${(part * 100).toFixed(0)} %` : `${(part * 100).toFixed(1)} %`);
const shareOf = (line) => (view.root.duration && line.ended ? percent(line.duration / view.root.duration) : "");

// Total, self and share, in one line of words.
const figuresOf = (line) => [line.ended ? time(line.duration) : "no end", hasBelow(line) && !isFold(line) ? `self ${time(selfOf(line))}` : "", shareOf(line) && `${shareOf(line)} of the whole`].filter(Boolean).join(", ");

// Beside the pointer: what a bar is, however narrow it is drawn.
function startTip() {
  const tip = el("div", { id: "tip", role: "tooltip", hidden: "" });
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  $("rows").addEventListener("pointermove", (event) => {
    const row = event.target.closest(".row");
    const line = row && event.target.closest(".track") && lineOf(row);
    if (!line || event.buttons) { hide(); return; }
    tip.replaceChildren(el("b", {}, nameOf(line)), el("span", {}, figuresOf(line)), line.error ? el("span", {}, line.handled ? "failed, and was handled" : "failed") : "");
    tip.hidden = false;
    tip.style.left = `${Math.max(Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8), 8)}px`;
    tip.style.top = `${event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 8 : event.clientY + 18}px`;
  });
  $("rows").addEventListener("pointerleave", hide);
  $("rows").addEventListener("scroll", hide);
  addEventListener("keydown", hide);
}
