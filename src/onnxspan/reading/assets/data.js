// The spans stand in the order of the calls, each after its parent: a subtree is a range.
const report = JSON.parse($("data").textContent);
const spans = report.spans;
const K = report.keys;
// A span may be called `constructor`: only what the report itself says counts.
const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);
// Two functions may have one name: the full place decides.
const about = (span) => own(report.explanations, span.at[K.function]) || own(report.explanations, span.name);
const LEVELS = ["stages", "passes", "nodes"];

spans.forEach((span, index) => {
  span.index = index;
  span.depth = span.parent < 0 ? 0 : spans[span.parent].depth + 1;
  span.size = 1;
  // The time of the span and of everything inside it, also of what outlived it.
  span.first = span.start;
  span.last = span.start + span.duration;
  span.inside = 0;
  span.children = 0;
  span.at = { ...report.places[span.place], ...span.attributes };
  span.level = LEVELS.includes(span.at[K.level]) ? span.at[K.level] : "other";
});
for (let index = spans.length - 1; index >= 0; index--) {
  const span = spans[index];
  if (span.parent < 0) continue;
  const parent = spans[span.parent];
  parent.size += span.size;
  parent.inside += span.duration;
  parent.children += 1;
  parent.first = Math.min(parent.first, span.first);
  parent.last = Math.max(parent.last, span.last);
}

const isOpen = new Uint8Array(spans.length);
// `all`: every span has a line of its own; `hits` are indices.
const view = { all: false, root: spans[report.roots[0]], from: 0, to: 1, origin: null, selected: null, hits: [], hit: -1 };

const inView = () => spans.slice(view.root.index, view.root.index + view.root.size);
const rootOf = (span) => { while (span.parent >= 0) span = spans[span.parent]; return span; };
// An export below the user's own spans says the facts; a root that is an export says its own.
const exportOf = (root) => {
  for (let i = root.index; i < root.index + root.size; i++) if (K.exporter in spans[i].at) return spans[i];
  return root;
};
const titleOf = (made) => [made.at[K.modelClass], made.at[K.resultFile]].filter(Boolean).join(" → ");
const hasFailed = (root) => Boolean(root.error || own(report.failures, root.index));
// Where the exception that ended an export was met first: as the report says, else the innermost.
function failureOf(root) {
  const told = own(report.failures, root.index);
  if (told) return spans[told.span];
  if (!root.error) return null;
  let found = root;
  for (let i = root.index + 1; i < root.index + root.size; i++)
    if (spans[i].error && spans[i].parent === found.index) found = spans[i];
  return found;
}
const pathOf = (span) => { const path = []; for (let s = span; s; s = spans[s.parent]) path.unshift(s); return path; };
const extraOf = (span) => span.at[K.operator] && span.at[K.operator] !== span.name ? span.at[K.operator]
  : String(span.at[K.scope] || "").split("::").pop() || String(span.at[K.modelClass] || "").split(".").pop();
const placeOf = (span) => span.at[K.file] ? `${span.at[K.file]}${span.at[K.line] ? ":" + span.at[K.line] : ""}` : "";

function passes() {
  const byName = new Map();
  for (const span of inView()) {
    if (span.level === "nodes") continue;
    let row = byName.get(span.name);
    if (!row) byName.set(span.name, (row = { name: span.name, level: span.level, calls: 0, total: 0, self: 0, longest: -1, change: null, memory: null, failed: 0 }));
    row.calls += 1;
    row.total += span.duration;
    row.self += Math.max(span.duration - span.inside, 0);
    if (span.duration > row.longest) { row.longest = span.duration; row.span = span; }
    if (typeof span.at[K.change] === "number") row.change = (row.change || 0) + span.at[K.change];
    if (typeof span.at[K.growth] === "number") row.memory = (row.memory || 0) + span.at[K.growth];
    if (span.error && !span.handled) row.failed += 1;
  }
  return [...byName.values()];
}

function operators() {
  const rows = new Map();
  for (const span of inView())
    for (const [group, [names, calls, durations, longest]] of Object.entries(K.sums)) {
      const list = span.at[names];
      if (!Array.isArray(list)) continue;
      list.forEach((name, i) => {
        const key = group + "\n" + name;
        let row = rows.get(key);
        if (!row) rows.set(key, (row = { name, work: group, calls: 0, total: 0, longest: -1 }));
        row.calls += (span.at[calls] || [])[i] || 0;
        row.total += ((span.at[durations] || [])[i] || 0) * 1e9;
        const most = ((span.at[longest] || [])[i] || 0) * 1e9;
        if (most > row.longest) { row.longest = most; row.span = span; }
      });
    }
  return [...rows.values()];
}

// Long texts are held deflated, in base64.
async function unpacked(words) {
  const packed = Uint8Array.from(atob(words), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
}
// The diff of a pass, filled as soon as it is unpacked; null where the page holds none.
function diffOf(index) {
  const packed = own(report.diffs, index);
  if (!packed) return null;
  const box = el("pre.diff", {}, "…");
  unpacked(packed).then((text) => box.replaceWith(diff(text)));
  return box;
}
