// A box to search in over each list of units (select[data-search]). Words are found with or without marks; what fits
// stays in the list together with the units above it, so that the tree can still be read.
"use strict";

const fold = (text) =>
  text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/\s+/g, " ").trim();

const depth = (option) => option.text.length - option.text.trimStart().length;

// The options to show: those that fit every word, and those above them.
function fitting(options, words) {
  const shown = new Set();
  const above = [];
  for (const option of options) {
    if (!option.value) continue;
    above.length = depth(option);
    above.push(option);
    const text = fold(option.text);
    if (words.every((word) => text.includes(word))) {
      for (const one of above) if (one) shown.add(one);
    }
  }
  return shown;
}

function addSearch(select) {
  const options = [...select.options];
  const box = document.createElement("input");
  box.type = "search";
  box.placeholder = select.dataset.search;
  box.setAttribute("aria-label", `${select.labels[0].textContent}: ${select.dataset.search}`);
  box.setAttribute("autocomplete", "off");
  box.addEventListener("input", () => {
    const before = select.value;
    const words = fold(box.value).split(" ").filter(Boolean);
    const shown = fitting(options, words);
    const keep = words.length ? options.filter((option) => shown.has(option)) : options;
    const first = keep.find((option) => words.every((word) => fold(option.text).includes(word)));
    select.replaceChildren(...keep);
    select.size = words.length && keep.length ? Math.min(keep.length + 1, 8) : 0;
    if (words.length && first) select.value = first.value;
    else select.value = keep.some((option) => option.value === before) ? before : "";
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault(); // in this box, Enter goes to the list; it does not send the form
    select.focus();
  });
  select.before(box);
}

document.querySelectorAll("select[data-search]").forEach(addSearch);
