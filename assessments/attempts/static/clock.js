// The clock of a test, on its paper and on the last look before handing in: only a display. When an attempt ends is
// decided by the server. At the end the form is sent, unless its own script does that (event "clock:over").
"use strict";

(() => {
  const form = document.querySelector("form[data-seconds]");
  if (!form) return;

  const words = JSON.parse(form.dataset.clock);
  let ends = 0;
  let announced = Infinity;

  function countFrom(seconds) {
    ends = Date.now() + seconds * 1000;
  }

  function tick() {
    // Rounded up, like the server's own number: never shown, and never sent, as over before it is.
    const left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    const shown = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    document.querySelector("[data-left]").textContent = `(${words.left.replace("{time}", shown)})`;
    document.querySelector(".timer").classList.toggle("timer--short", left <= 120);
    for (const minutes of [5, 1]) {
      if (left <= minutes * 60 && minutes < announced && left > 0) {
        if (left > minutes * 60 - 5) say(words.minutes.replace("{n}", minutes));
        announced = minutes;
      }
    }
    if (left > 0) return;
    clearInterval(ticking);
    if (navigator.onLine) say(words.ending);
    if (!form.dispatchEvent(new CustomEvent("clock:over", { cancelable: true }))) return;
    if (navigator.onLine) form.requestSubmit();
    else addEventListener("online", () => form.requestSubmit(), { once: true });
  }

  function say(text) {
    document.querySelector("[data-saved]").textContent = text;
  }

  form.addEventListener("clock:set", (event) => countFrom(event.detail));
  countFrom(Number(form.dataset.seconds));
  const ticking = setInterval(tick, 1000);
  addEventListener("load", tick);
})();
