// Where a unit is chosen by typing (input[data-units]): names that fit are offered while one types. Without this script
// the form is sent, and the page shows what fits.
"use strict";

for (const box of document.querySelectorAll("input[data-units]")) {
  const list = document.getElementById(box.getAttribute("list"));
  let waiting = 0;
  const offer = async () => {
    const sought = box.value.trim();
    if (sought.length < 2) return;
    const answer = await fetch(`${box.dataset.units}?q=${encodeURIComponent(sought)}`, { credentials: "same-origin" });
    if (!answer.ok || box.value.trim() !== sought) return;
    const { units } = await answer.json();
    list.replaceChildren(...units.map((unit) => new Option(unit.code, unit.name)));
  };
  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(offer, 120);
  });
}
