// Shows how a lesson will look while it is typed, and asks before typed text is left behind.
const form = document.querySelector("form[data-preview]");
const shown = form.querySelector("[data-preview-shown]");
const failed = form.querySelector("[data-preview-error]");
const body = form.elements.body;
const PAUSE = 600; // milliseconds without a key

let timer, waiting, typed = false;

async function show() {
  waiting?.abort();
  waiting = new AbortController();
  try {
    const answer = await fetch(form.dataset.preview, {
      method: "POST",
      body: new FormData(form),
      headers: { "X-CSRFToken": form.elements.csrf_token.value },
      signal: waiting.signal,
    });
    if (!answer.ok) throw new Error(answer.status);
    shown.innerHTML = await answer.text();
    failed.hidden = true;
  } catch (reason) {
    if (reason.name !== "AbortError") failed.hidden = false;
  }
}

form.addEventListener("input", (event) => {
  typed = true;
  if (event.target !== body) return;
  clearTimeout(timer);
  timer = setTimeout(show, PAUSE);
});
form.addEventListener("submit", () => { typed = false; });
window.addEventListener("beforeunload", (event) => {
  if (typed) event.preventDefault();
});
form.querySelector("[data-preview-button]").hidden = true;
