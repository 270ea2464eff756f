// Below the waterfall: passes and operators to sort, the walk, and the export itself.
const text = (key, label, show) => ({ key, label, words: true, show: show || ((row) => row[key]) });
const figure = (key, label, show) => ({ key, label, show: (row) => (row[key] === null || row[key] === undefined ? "" : show(row[key])) });

// A table whose heads sort it; the second click on a head turns the order round.
function sheet(columns, rows, by, empty) {
  if (!rows.length) return el("p.quiet", {}, empty);
  const MAX_ROWS = 500;
  let order = { key: by, down: true };
  let all = false;
  const box = el("div.sheet", { tabindex: "0" });
  const most = rows.reduce((a, row) => Math.max(a, row[by] || 0), 0);
  const fill = () => {
    const sorted = [...rows].sort((a, b) => {
      const [x, y] = [a[order.key] ?? -Infinity, b[order.key] ?? -Infinity];
      const turned = typeof x === "string" ? x.localeCompare(y) : x - y;
      return order.down ? -turned : turned;
    });
    const cell = (column, row) => {
      const td = el(`td${column.words ? ".words" : ""}`, {}, column.show(row));
      if (column.key === by && most > 0) {
        const meter = el("i.meter");
        meter.style.width = `${((row[by] || 0) / most) * 60}px`;
        td.prepend(meter);
      }
      return td;
    };
    box.replaceChildren(el("table", {},
      el("thead", {}, el("tr", {}, columns.map((column) => el(`th${column.words ? ".words" : ""}`,
        { scope: "col", "aria-sort": column.key === order.key ? (order.down ? "descending" : "ascending") : "none" },
        el("button", { "data-key": column.key, click: () => { order = { key: column.key, down: column.key === order.key ? !order.down : !column.words }; fill(); box.querySelector(`[data-key=${column.key}]`).focus(); } },
          column.label, column.key === order.key ? (order.down ? " ↓" : " ↑") : ""))))),
      el("tbody", {}, sorted.slice(0, all ? undefined : MAX_ROWS).map((row) =>
        el("tr.go", { tabindex: row.span ? "0" : null, click: () => row.span && goTo({ span: row.span.id }),
          keydown: (event) => { if (event.key === "Enter" && row.span && event.target === event.currentTarget) goTo({ span: row.span.id }); } },
        columns.map((column) => cell(column, row)))))),
      all || rows.length <= MAX_ROWS ? "" : el("button", { click: () => { all = true; fill(); } }, `Show all ${count(rows.length)}`));
  };
  fill();
  return box;
}

const mono = (row) => el("code", {}, row.name);
const oneLine = (row) => inline((about(row.span) || {}).one_line || "");
const passSheet = () => sheet([
  text("name", "Stage or pass", mono), figure("total", "Time", time), figure("self", "Self time", time), figure("calls", "Calls", count),
  figure("longest", "Longest", time), figure("change", "Δ nodes", (n) => signed(n, count)), figure("memory", "Δ memory", (n) => signed(n, bytes)),
  text("about", "What it does", oneLine),
], passes(), "self", "No passes were recorded.");
const operatorSheet = () => sheet([
  text("name", "Operator", mono), text("work", "Work"), figure("total", "Time", time), figure("calls", "Calls", count), figure("longest", "Longest", time),
], operators(), "total", "No per-operator work was recorded: record at the level passes or nodes.");

function exportSheet() {
  const made = exportOf(view.root);
  return el("div", {}, attributesTable(made.at) || el("p", {}, "Nothing is known of the export."),
    el("p.quiet", {}, `Recorded ${new Date(Number(BigInt(report.began[view.root.index] || 0) / 1000000n)).toISOString()}; report by onnxspan ${report.onnxspan} from ${report.source}.`));
}

let walkAt = 0;
const steps = () => report.steps.filter((step) => rootOf(spans[step.span]) === view.root);
function walkSheet() {
  const list = steps();
  if (!list.length) return el("p.quiet", {}, "No steps to walk.");
  const box = el("div.walk", { tabindex: "0" });
  const go = (to, focus) => {
    walkAt = Math.min(Math.max(to, 0), list.length - 1);
    fill();
    remember({ tab: "walk", step: walkAt + 1 });
    if (focus) box.querySelector(`[data-move="${focus}"]`).focus();
  };
  const lines = (title, items) => items.length ? [el("h3", {}, title), el("ul", {}, items.map((item) => el("li.text", {}, item)))] : [];
  const fill = () => {
    walkAt = Math.min(walkAt, list.length - 1);
    const now = list[walkAt];
    const known = about(spans[now.span]);
    const section = (title) => known && known.sections[title] ? [el("h3", {}, title), ...markdown(known.sections[title])] : [];
    const items = list.map((step, i) => {
      const button = el(`button${problemOf(spans[step.span]) || (step.error ? ".failed" : "")}`, { click: () => go(i), "aria-current": i === walkAt }, step.name);
      button.style.paddingLeft = `${8 + Math.min(step.depth, 10) * 12}px`;
      return el("li", {}, button);
    });
    const place = el("div.step", {},
      el("div.moves", {}, el("button", { "data-move": "back", click: () => go(walkAt - 1, "back") }, "← Back"), el("button", { "data-move": "next", click: () => go(walkAt + 1, "next") }, "Next →"),
        el("span.quiet", {}, `Step ${walkAt + 1} of ${list.length}`), link(spans[now.span], "Show in the waterfall")),
      el("h2", {}, el("code", {}, now.name)), el("p", {}, inline(now.one_line), " ", el("span.quiet", {}, time(now.duration * 1e9))),
      now.place ? el("p.quiet", {}, "In torch: ", el("code", {}, now.place)) : "",
      problem(spans[now.span], now.error),
      ...lines("What went in", now.went_in), ...lines("What came out", now.came_out),
      ...(own(report.diffs, now.span) ? [el("h3", {}, "What it changed"), diffOf(now.span)] : []),
      ...lines("Lines of the model", now.model),
      ...section("What it does"), ...section("Why it is there"), ...section("What goes wrong"),
      ...(now.log.length > 12 ? [el("details.block", {}, el("summary", {}, `What was said inside it: ${count(now.log.length)} lines`), el("ul", {}, now.log.map((line) => el("li.text", {}, line))))] : lines("What was said inside it", now.log)), ...lines("Then ran, and changed nothing", now.unchanged));
    const top = box.querySelector("ol") ? box.querySelector("ol").scrollTop : 0;
    const ol = el("ol", {}, items);
    box.replaceChildren(ol, place);
    ol.scrollTop = top;
    const current = items[walkAt];
    if (current.offsetTop < ol.scrollTop + ol.offsetTop || current.offsetTop > ol.scrollTop + ol.offsetTop + ol.clientHeight - 24) ol.scrollTop = current.offsetTop - ol.offsetTop - 60;
  };
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") go(walkAt + 1);
    else if (event.key === "ArrowLeft") go(walkAt - 1);
    else return;
    event.preventDefault();
  });
  fill();
  return box;
}

const TABS = [["passes", "Stages and passes", passSheet], ["operators", "Operators", operatorSheet], ...(hasModules ? [["modules", "Modules", moduleSheet]] : []), ["walk", "Walk through it", walkSheet], ...(report.graphs.steps.length ? [["graph", "Graph", graphSheet]] : []), ["export", "Export and versions", exportSheet]];
let tab = "passes";
let chooseTab = () => {};

function drawTables() {
  const panels = TABS.map(([id, label, make]) => {
    const panel = el("div", { role: "tabpanel", id: `panel-${id}`, "aria-label": label }, make());
    panel.style.display = id === tab ? "block" : "none";
    return panel;
  });
  const choose = (id) => { tab = id; remember({ tab: id === "passes" ? null : id }); drawTabs(); panels.forEach((panel, i) => { panel.style.display = TABS[i][0] === id ? "block" : "none"; }); };
  const list = el("div", { role: "tablist" });
  const drawTabs = () => list.replaceChildren(...TABS.map(([id, label]) =>
    el("button", { role: "tab", id: `tab-${id}`, "aria-selected": id === tab, "aria-controls": `panel-${id}`, click: () => choose(id) }, label)));
  list.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    choose(TABS[(TABS.findIndex(([id]) => id === tab) + by + TABS.length) % TABS.length][0]);
    $(`tab-${tab}`).focus();
  });
  drawTabs();
  chooseTab = (id) => TABS.some(([known]) => known === id) && choose(id);
  $("tables").replaceChildren(list, ...panels);
}
