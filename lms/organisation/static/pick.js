// A box to search in over each list of units (select[data-search]). Words are found by their beginnings, with or without
// marks; what fits stays in the list together with the units above it, so that the tree can still be read. Names that
// hold the words as they were typed come first. Nothing is chosen for anybody unless one unit alone fits.
"use strict";

const fold = (text) =>
  text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d").replace(/[^\p{L}\p{N}]+/gu, " ").trim();

const depth = (option) => option.text.length - option.text.trimStart().length;

// Those options and the ones above them, in the order of the tree.
function withAbove(options, hits) {
  const shown = new Set();
  const above = [];
  for (const option of options) {
    if (!option.value) continue;
    above.length = depth(option);
    above.push(option);
    if (hits.has(option)) for (const one of above) if (one) shown.add(one);
  }
  return shown;
}

// What is found, and the list to show: whole phrases first, then names that hold the words anywhere.
function search(options, sought) {
  const words = sought.split(" ");
  const starts = (option, text) => ` ${fold(option.text)}`.includes(` ${text}`);
  const hits = new Set(options.filter((option) => option.value && words.every((word) => starts(option, word))));
  const phrases = new Set([...hits].filter((option) => starts(option, sought)));
  return { hits, list: [...new Set([...withAbove(options, phrases), ...withAbove(options, hits)])] };
}

function addSearch(select) {
  const options = [...select.options];
  const box = document.createElement("input");
  let picked = select.value;
  box.type = "search";
  box.placeholder = select.dataset.search;
  box.setAttribute("aria-label", `${select.labels[0].textContent}: ${select.dataset.search}`);
  box.setAttribute("autocomplete", "off");
  box.addEventListener("input", () => {
    const sought = fold(box.value);
    const { hits, list } = sought ? search(options, sought) : { hits: new Set(options), list: options };
    for (const option of options) option.disabled = !hits.has(option); // above what fits: only to be read
    select.replaceChildren(...list);
    select.size = sought ? Math.min(list.length, 8) : 0;
    const [only] = hits;
    const still = [...hits].some((option) => option.value === picked);
    select.value = hits.size === 1 ? only.value : still ? picked : "";
  });
  select.addEventListener("change", () => { picked = select.value; });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown") return;
    event.preventDefault(); // in this box, Enter goes to the list; it does not send the form
    select.focus();
  });
  select.before(box);
}

document.querySelectorAll("select[data-search]").forEach(addSearch);
