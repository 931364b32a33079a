"use strict";
// Sorting, filtering and a closer look at one row. Without it the page shows everything, in the order of its list.
document.documentElement.classList.add("live");

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const panels = new WeakMap();                          // row -> the row below it that shows it closer

const headsOf = table => [...table.tHead.rows[0].cells];
const rowsOf = table => [...table.tBodies[0].rows].filter(row => !row.classList.contains("panel"));
const numberIn = cell => cell.dataset.v ? Number(cell.dataset.v) : NaN;

// ---- sorting ---------------------------------------------------------------------------------------------------------

// What has no number comes last either way.
function byNumber(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (a - b);
}

function sortRows(table, head, ascending) {
  const column = head.cellIndex, sign = ascending ? 1 : -1, numbers = head.dataset.sort === "number";
  const keyed = rowsOf(table).map(row => ({ row, key: numbers ? numberIn(row.cells[column]) : row.cells[column].textContent }));
  keyed.sort((a, b) => numbers ? byNumber(a.key, b.key, sign) : sign * collator.compare(a.key, b.key));
  table.tBodies[0].append(...keyed.flatMap(({ row }) => panels.has(row) ? [row, panels.get(row)] : [row]));
  for (const other of headsOf(table)) if (other.dataset.sort) other.ariaSort = "none";
  head.ariaSort = ascending ? "ascending" : "descending";
}

function makeSortable(table) {
  for (const head of headsOf(table)) {
    if (!head.dataset.sort) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.ariaSort = "none";
    button.addEventListener("click", () => sortRows(table, head, head.ariaSort !== "ascending"));
  }
}

// ---- filtering -------------------------------------------------------------------------------------------------------

function columnWith(table, name) {
  const head = headsOf(table).find(cell => name in cell.dataset);
  return head ? head.cellIndex : -1;
}

function meanText(table, rows) {
  const column = columnWith(table, "mean");
  const values = column < 0 ? [] : rows.map(row => numberIn(row.cells[column])).filter(value => !Number.isNaN(value));
  if (values.length === 0) return "";
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return `, ${headsOf(table)[column].dataset.mean} ${mean.toFixed(3).replace("-", "\u2212")}`;
}

function makeFilter(controls, table) {
  const rows = rowsOf(table), search = controls.querySelector("input[type=search]"), slider = controls.querySelector("input[type=range]");
  const texts = new Map(rows.map(row => [row, [...row.cells].slice(0, 2).map(cell => cell.textContent).join(" ").toLowerCase()]));
  const column = columnWith(table, "positives");
  const least = [...new Set([0, ...rows.map(row => numberIn(row.cells[column]) || 0)])].sort((a, b) => a - b);
  slider.max = least.length - 1;
  slider.value = 0;
  const update = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(word => word), wanted = least[slider.valueAsNumber];
    for (const row of rows) {
      row.hidden = (numberIn(row.cells[column]) || 0) < wanted || !words.every(word => texts.get(row).includes(word));
      if (panels.has(row)) panels.get(row).hidden = row.hidden;
    }
    const shown = rows.filter(row => !row.hidden);
    controls.querySelector(".least").textContent = wanted;
    slider.ariaValueText = `at least ${wanted}`;
    controls.querySelector(".shown").textContent = `${shown.length} of ${rows.length} questions${meanText(table, shown)}`;
  };
  search.addEventListener("input", update);
  slider.addEventListener("input", update);
  controls.hidden = false;
  update();
}

// ---- a closer look ---------------------------------------------------------------------------------------------------

function togglePanel(link) {
  const row = link.closest("tr");
  const open = panels.get(row);
  link.ariaExpanded = String(!open);
  if (open) {
    open.remove();
    panels.delete(row);
    return;
  }
  const panel = document.createElement("tr"), cell = document.createElement("td");
  panel.className = "panel";
  cell.colSpan = row.cells.length;
  const closer = document.getElementById(link.hash.slice(1)).cloneNode(true);
  closer.removeAttribute("id");
  cell.append(closer);
  panel.append(cell);
  row.after(panel);
  panels.set(row, panel);
}

function makeLinks(table) {
  for (const link of table.querySelectorAll("td:first-child > a[href^='#']")) {
    link.ariaExpanded = "false";
    link.addEventListener("click", event => {
      event.preventDefault();
      togglePanel(link);
    });
  }
}

// ---- start -----------------------------------------------------------------------------------------------------------

for (const section of document.querySelectorAll("section.rows")) {
  const table = section.querySelector("table");
  makeSortable(table);
  makeLinks(table);
  const controls = section.querySelector(".controls");
  if (controls) makeFilter(controls, table);
}
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
