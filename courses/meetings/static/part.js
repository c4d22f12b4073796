// A part of a page that is fetched anew: the organiser's board every few seconds, a code when its half minute is over.
// Nothing here is needed: both pages are loaded again by hand, the code by the browser itself.
"use strict";

(() => {
  const place = document.querySelector("[data-part]");
  if (!place) return;

  function wait() {
    const every = Number(place.dataset.every);
    const left = Number(place.querySelector("[data-left]")?.dataset.left);
    setTimeout(renew, (every || left || 10) * 1000);
  }

  async function renew() {
    try {
      const answer = await fetch(place.dataset.part, { credentials: "same-origin", redirect: "error" });
      if (answer.ok) show(await answer.text());
      else if (answer.status < 500) return location.reload();
    } catch {
      // No line: what is shown stays until there is one. A code that has ended would only mislead.
      if (place.hasAttribute("data-clock")) place.querySelector(".code-box")?.classList.add("code-box--old");
    }
    wait();
  }

  function show(text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    const told = place.querySelector("[role=status]");
    const telling = fresh.querySelector("[role=status]");
    // The same sentence stays the same element, so that nobody hears it again.
    if (told && telling && told.textContent === telling.textContent) telling.replaceWith(told);
    const focus = place.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    place.replaceChildren(...fresh.childNodes);
    if (focus) place.querySelector(`a[href="${CSS.escape(focus)}"]`)?.focus();
  }

  wait();
})();
