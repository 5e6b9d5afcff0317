"use strict";

// Tables are sorted by their column heads.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  table.tHead.querySelectorAll("th").forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const direction = head.ariaSort === "ascending" ? "descending" : "ascending";
      table.tHead.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction);
      const sign = direction === "ascending" ? 1 : -1;
      const text = (row) => row.cells[column].textContent.trim();
      const compare = (a, b) =>
        (text(a) === "") - (text(b) === "") || sign * text(a).localeCompare(text(b), "en", { numeric: true });
      body.append(...[...body.rows].sort(compare));
    });
  });
}

// A table that is wider than the screen says so.
const watch = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const region = target.closest(".scroll");
    const hint = region.previousElementSibling;
    const known = hint?.classList.contains("sideways");
    const wide = region.scrollWidth > region.clientWidth;
    if (known) {
      hint.hidden = !wide;
    } else if (wide) {
      const made = document.createElement("p");
      made.className = "note sideways";
      made.textContent = "Scroll sideways for more columns →";
      region.before(made);
    }
  }
});
document.querySelectorAll(".scroll > table").forEach((table) => watch.observe(table));

// The table of images shows only those that are asked for.
const filter = document.getElementById("filter");
if (filter) {
  const { outcome, label, text, wrong } = filter.elements;
  const rows = [...document.querySelectorAll("#images tbody tr")].map((row) => ({
    row,
    outcome: row.cells[1].textContent.trim(),
    label: row.cells[2].textContent.trim(),
    wrong: row.cells[2].classList.contains("wrong"),
    text: row.textContent.toLowerCase(),
  }));
  const apply = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of rows) {
      const fits =
        (!outcome.value || one.outcome === outcome.value) &&
        (!label.value || one.label === label.value) &&
        (!wrong?.checked || one.wrong) &&
        words.every((word) => one.text.includes(word));
      one.row.hidden = !fits;
      count += fits;
    }
    filter.querySelector("output").textContent =
      `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows are shown. ${filter.dataset.rest}`;
  };
  filter.hidden = false;
  filter.addEventListener("input", apply);
  filter.addEventListener("submit", (event) => event.preventDefault());
  // The fields are empty only after the event.
  filter.addEventListener("reset", () => setTimeout(apply));
  apply();
}
