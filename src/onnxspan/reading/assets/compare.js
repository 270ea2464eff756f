// A comparison is readable without this: it sorts, filters and turns the theme.
function sortable(table) {
  const body = table.tBodies[0];
  const first = [...body.rows];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    if (!head.textContent) return;
    const button = document.createElement("button");
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const next = now === "descending" ? "ascending" : now === "ascending" ? null : "descending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      if (next) head.setAttribute("aria-sort", next);
      const by = next === "ascending" ? 1 : -1;
      const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const number = (row) => (key(row) === "" ? -Infinity : Number(key(row)));
      const numeric = first.some((row) => row.cells[column].dataset.value !== undefined);
      const sorted = next ? [...first].sort((a, b) => by * (numeric ? number(a) - number(b) : key(a).localeCompare(key(b)))) : first;
      body.append(...sorted);
    });
  });
}

function filter(box) {
  const rows = [...document.getElementById(box.dataset.table).tBodies[0].rows];
  box.addEventListener("input", () => {
    const wanted = box.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    box.nextElementSibling.textContent = wanted ? `${rows.filter((row) => !row.hidden).length} of ${rows.length}` : "";
  });
}

startTheme();
document.getElementById("theme").addEventListener("click", turnTheme);
document.querySelectorAll("table.sortable").forEach(sortable);
document.querySelectorAll(".find input").forEach(filter);
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
  if (event.key === "t") turnTheme();
  if (event.key === "/") { event.preventDefault(); document.querySelector(".find input")?.focus(); }
});
document.documentElement.dataset.ready = "yes";
