// Small aids that a page does without: copy a text, show a password, forget what a page kept. Their buttons are hidden
// until this file comes.
(() => {
  "use strict";

  // Whoever is asked to sign in is nobody yet: pages of meeting points that this browser kept go
  // (courses/meetings/static/worker.js). What waits to be sent from them goes when its owner has signed out (roll.js).
  if (document.querySelector("[data-nobody]") && window.caches) {
    caches
      .keys()
      .then((names) => names.filter((name) => name.startsWith("quan-triet roll ")).map((name) => caches.delete(name)))
      .catch(() => {});
  }

  if (document.querySelector("[data-signed-out]")) {
    try {
      for (const name of Object.keys(localStorage)) {
        if (name.startsWith("quan-triet roll ")) localStorage.removeItem(name);
      }
    } catch {
      // No storage: nothing was kept.
    }
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      await navigator.clipboard.writeText((source.value ?? source.innerText).trim());
      document.getElementById(button.dataset.told).textContent = button.dataset.copied;
    });
  }

  for (const button of document.querySelectorAll("[data-reveal]")) {
    const fields = button.dataset.reveal.split(" ").map((id) => document.getElementById(id));
    const become = (type) => fields.forEach((field) => { field.type = type; });
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = fields[0].type === "password";
      become(shown ? "text" : "password");
      button.setAttribute("aria-pressed", String(shown));
    });
    button.form.addEventListener("submit", () => become("password"));
  }
})();
