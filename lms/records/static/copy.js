// A button that copies what stands in a field (data-copy names it). The field can be selected without it.
"use strict";

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const before = button.textContent;
  button.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy"); // without HTTPS a browser knows no clipboard; the selection can be copied
    }
    button.textContent = button.dataset.done;
    setTimeout(() => (button.textContent = before), 4000);
  });
}
