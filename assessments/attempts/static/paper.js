// The paper saves itself: each change is sent at once, and kept on this machine until the server has confirmed it.
// Nothing here is needed to take a test. What is kept belongs to one attempt of one person: once it is saved, or when
// somebody else uses this browser, it is removed.
"use strict";

(() => {
  const { store, stored, forgetOthers } = window.keeping("quan-triet attempt ");
  const form = document.getElementById("paper");

  for (const forgotten of document.querySelectorAll("[data-forget]")) store(forgotten.dataset.forget, null);
  if (!form) return;

  const { attempt, owner } = form.dataset;
  const words = JSON.parse(form.dataset.words);
  const questions = new Map(
    [...form.querySelectorAll("[data-question]")].map((one) => [one.dataset.question, one]),
  );
  const pending = new Set();
  let sending = false;
  let over = false;
  let ended = false;
  let wait = 2000;
  let retry = 0;

  // What is kept on this machine: { owner, answers: { position: { known, code } } }.

  function keep() {
    const answers = {};
    for (const position of pending) {
      answers[position] = { known: known(position).value, code: code(position) };
    }
    store(attempt, pending.size ? { owner, answers } : null);
  }

  // A question and its answer, written as the server writes it: "B", "AC", "2,,1".

  const known = (position) => questions.get(position).querySelector("[data-known]");

  function code(position) {
    const question = questions.get(position);
    const lists = [...question.querySelectorAll("select")].map((list) => list.value);
    if (lists.length) return lists.some(Boolean) ? lists.join(",") : "";
    return [...question.querySelectorAll(":checked")].map((choice) => choice.value).sort().join("");
  }

  function show(position, text) {
    const question = questions.get(position);
    const lists = question.querySelectorAll("select");
    const picks = text.split(",");
    lists.forEach((list, index) => { list.value = picks[index] ?? ""; });
    if (lists.length) return;
    for (const choice of question.querySelectorAll("input:not([data-known])")) choice.checked = text.includes(choice.value);
  }

  function restore() {
    const answers = stored(attempt)?.answers ?? {};
    for (const [position, answer] of Object.entries(answers)) {
      // Answered elsewhere since: what the server has is kept.
      if (!questions.has(position) || known(position).value !== answer.known) continue;
      show(position, answer.code);
      if (code(position) !== answer.known) pending.add(position);
    }
    keep();
  }

  // Sending: one request at a time, always with all that is pending.

  function body(positions) {
    const fields = new FormData(form);
    const sent = new URLSearchParams({ csrf_token: fields.get("csrf_token") });
    for (const position of positions) {
      for (const field of questions.get(position).querySelectorAll("input, select")) {
        if (field.type === "hidden" || field.tagName === "SELECT" || field.checked) sent.append(field.name, field.value);
      }
    }
    return sent;
  }

  async function send() {
    clearTimeout(retry);
    if (sending || over || !pending.size) return;
    sending = true;
    const codes = new Map([...pending].map((position) => [position, code(position)]));
    say(words.saving);
    try {
      await heard(await post(codes), codes);
    } catch {
      say(words.offline);
      later();
    }
    sending = false;
  }

  function post(codes) {
    return fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: body(codes.keys()),
      credentials: "same-origin",
      redirect: "error",
    });
  }

  async function heard(answer, codes) {
    if (answer.ok) return saved(await answer.json(), codes);
    if (answer.status === 401) return say(words.signed_out, words.sign_in, form.dataset.signIn);
    if (answer.status === 409) return stop(words.over);
    if (answer.status === 404) return stop(words.not_yours);
    if (answer.status === 400) return (await renewed()) ? later(0) : undefined;
    throw new Error(`status ${answer.status}`);
  }

  function saved(told, codes) {
    wait = 2000;
    for (const [position, sent] of codes) {
      known(position).value = sent;
      if (code(position) === sent) pending.delete(position);
    }
    keep();
    if (told.left !== null) form.dispatchEvent(new CustomEvent("clock:set", { detail: told.left }));
    say(words.saved.replace("{time}", told.saved));
    if (pending.size) later(0);
  }

  // The form's token belongs to a session that has ended. A page of the same attempt and person brings a new one.
  async function renewed() {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("paper");
    if (fresh?.dataset.attempt === attempt && fresh.dataset.owner === owner) {
      const field = form.elements.csrf_token;
      const same = field.value === fresh.elements.csrf_token.value;
      field.value = fresh.elements.csrf_token.value;
      if (same) say(words.refused);
      return !same;
    }
    if (answer.status === 404) stop(words.not_yours);
    else say(words.signed_out, words.sign_in, form.dataset.signIn);
    return false;
  }

  function stop(text) {
    over = true;
    pending.clear();
    keep();
    say(text, words.see, location.pathname);
  }

  function later(after = wait) {
    clearTimeout(retry);
    retry = setTimeout(send, after);
    wait = Math.min(wait * 2, 60000);
  }

  function say(text, link, address) {
    const line = form.querySelector("[data-saved]");
    line.textContent = text;
    if (link) {
      const way = document.createElement("a");
      way.href = address;
      way.textContent = link;
      line.append(" ", way);
    }
  }

  // The time is over (clock.js): what was chosen is sent, and the server closes the attempt.

  function handIn() {
    ended = true;
    if (over) return;
    if (!form.querySelector('[name="_then"][value="over"]')) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name: "_then", value: "over" });
      form.append(field);
    }
    form.requestSubmit();
  }

  form.addEventListener("clock:over", (event) => {
    event.preventDefault();
    handIn();
  });
  form.addEventListener("change", (event) => {
    const position = event.target.closest("[data-question]")?.dataset.question;
    if (!position || over) return;
    pending.add(position);
    keep();
    send();
  });
  form.addEventListener("submit", (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    say(words.offline);
  });
  addEventListener("online", () => {
    wait = 2000;
    if (ended) handIn();
    else send();
  });
  document.addEventListener("visibilitychange", send);

  forgetOthers(owner);
  restore();
  send();
})();
