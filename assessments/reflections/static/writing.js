// A reflection saves itself while it is written, and is kept on this machine until the server has confirmed it.
// Nothing here is needed to write one. What is kept belongs to one person's text in one briefing: once it is saved, or
// when somebody else uses this browser, it is removed.
"use strict";

(() => {
  const { store, stored, forgetOthers } = window.keeping("quan-triet reflection ");
  const PAUSE = 1500;
  const form = document.getElementById("reflection");

  for (const forgotten of document.querySelectorAll("[data-forget]")) store(forgotten.dataset.forget, null);
  if (!form) return;

  const { reflection, owner } = form.dataset;
  const words = JSON.parse(form.dataset.words);
  const answers = new Map([...form.querySelectorAll("[data-answer]")].map((one) => [one.dataset.answer, one]));
  const pending = new Set();
  let sending = false;
  let over = false;
  let wait = 2000;
  let retry = 0;

  // What is kept on this machine: { owner, answers: { number: { known, text } } }.

  const known = (number) => answers.get(number).querySelector("[data-known]");
  const area = (number) => answers.get(number).querySelector("textarea");

  function keep() {
    const kept = {};
    for (const number of pending) kept[number] = { known: known(number).value, text: area(number).value };
    store(reflection, pending.size ? { owner, answers: kept } : null);
  }

  function restore() {
    for (const [number, kept] of Object.entries(stored(reflection)?.answers ?? {})) {
      if (!answers.has(number) || area(number).value === kept.text) continue;
      // Saved from elsewhere since? The old mark makes the server say so, and show both.
      area(number).value = kept.text;
      known(number).value = kept.known;
      pending.add(number);
      count(number);
    }
    keep();
  }

  function count(number) {
    const text = area(number).value.trim();
    const line = answers.get(number).querySelector("[data-count]");
    line.textContent = words.count.replace("{n}", text ? text.split(/\s+/u).length : 0);
  }

  // Sending: one request at a time, always with all that is pending.

  function body(texts) {
    const sent = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
    for (const [number, text] of texts) {
      sent.append(known(number).name, known(number).value);
      sent.append(area(number).name, text);
    }
    return sent;
  }

  async function send() {
    clearTimeout(retry);
    if (sending || over || !pending.size) return;
    sending = true;
    const texts = new Map([...pending].map((number) => [number, area(number).value]));
    say(words.saving);
    try {
      await heard(await post(texts), texts);
    } catch {
      say(words.offline);
      later();
    }
    sending = false;
  }

  function post(texts) {
    return fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: body(texts),
      credentials: "same-origin",
      redirect: "error",
    });
  }

  async function heard(answer, texts) {
    if (answer.ok) return saved(await answer.json(), texts);
    if (answer.status === 401) return say(words.signed_out, words.sign_in, form.dataset.signIn);
    if (answer.status === 409) return stopped(await answer.json());
    if (answer.status === 400) return (await renewed()) ? later(0) : undefined;
    if (answer.status === 404 || answer.status === 422) return say(words.refused);
    throw new Error(`status ${answer.status}`);
  }

  function saved(told, texts) {
    wait = 2000;
    for (const [number, sent] of texts) {
      known(number).value = told.known[number];
      if (area(number).value === sent) pending.delete(number);
    }
    keep();
    say(words.saved.replace("{time}", told.saved));
    if (pending.size) later(0);
  }

  function stopped(told) {
    over = true;
    if (told.error === "closed") {
      pending.clear();
      keep();
      return say(words.closed);
    }
    return say(words.elsewhere);
  }

  // The form's token belongs to a session that has ended. A page of the same text and person brings a new one.
  async function renewed() {
    const answer = await fetch(form.action, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("reflection");
    if (fresh?.dataset.reflection === reflection && fresh.dataset.owner === owner) {
      const field = form.elements.csrf_token;
      const same = field.value === fresh.elements.csrf_token.value;
      field.value = fresh.elements.csrf_token.value;
      if (same) say(words.refused);
      return !same;
    }
    say(words.signed_out, words.sign_in, form.dataset.signIn);
    return false;
  }

  function later(after = wait) {
    clearTimeout(retry);
    retry = setTimeout(send, after);
    if (after === wait) wait = Math.min(wait * 2, 60000);
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

  form.addEventListener("input", (event) => {
    const number = event.target.closest("[data-answer]")?.dataset.answer;
    if (!number) return;
    count(number);
    pending.add(number);
    keep();
    if (!over) later(PAUSE);
  });
  form.addEventListener("submit", (event) => {
    if (navigator.onLine) return;
    event.preventDefault();
    say(words.offline);
  });
  addEventListener("online", () => {
    wait = 2000;
    send();
  });
  document.addEventListener("visibilitychange", send);

  forgetOthers(owner);
  restore();
  send();
})();
