// A button beside each text that is there to be copied (input[data-copy]). Without it the text is selected by hand.
"use strict";

for (const text of document.querySelectorAll("input[data-copy]")) {
  const button = document.createElement("button");
  const told = document.createElement("span");
  button.type = "button";
  button.className = "button button--quiet";
  button.textContent = text.dataset.copy;
  told.className = "small";
  told.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    text.select();
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      document.execCommand("copy"); // a page without HTTPS has no clipboard
    }
    told.textContent = text.dataset.copied;
  });
  text.addEventListener("focus", () => text.select());
  text.after(button, told);
}
