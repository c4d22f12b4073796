// The roll of a meeting point: each mark is sent at once, and kept on this machine until the server has confirmed it.
// Nothing here is needed to take a roll. What is kept belongs to one person and one point: it goes when it is sent, when
// somebody else uses this browser, and when one signs out (aids.js).
"use strict";

(() => {
  const { store, stored, forgetOthers } = window.keeping("quan-triet roll ");
  const MOST = 200;
  const form = document.getElementById("roll");

  if (!form) return;

  const { point, owner } = form.dataset;
  const words = JSON.parse(form.dataset.words);
  const rows = new Map([...form.querySelectorAll("[data-person]")].map((row) => [row.dataset.person, row]));
  const whole = form.hasAttribute("data-whole");
  const pending = new Map();
  let sending = false;
  let wait = 2000;
  let retry = 0;

  // What is kept on this machine: { owner, marks: { person: { state, at } } }.

  function keep() {
    const kept = store(point, pending.size ? { owner, marks: Object.fromEntries(pending) } : null);
    if (!kept && !navigator.onLine) say(words.full);
  }

  function restore() {
    forgetOthers(owner);
    for (const [person, mark] of Object.entries(stored(point)?.marks ?? {})) {
      pending.set(person, mark);
      show(person, mark.state, true);
    }
  }

  // A line of the roll as it now stands.

  function show(person, state, waiting) {
    const row = rows.get(person);
    if (!row) return;
    row.dataset.state = state ?? "";
    const said = row.querySelector(".roll__said");
    said.hidden = !state;
    said.querySelector("[data-said]").textContent = state ? words.states[state] + (waiting ? ` (${words.waiting})` : "") : "";
    const buttons = row.querySelector(".roll__buttons");
    if (buttons) buttons.hidden = Boolean(state);
    const early = row.querySelector("[data-early]");
    if (early) early.hidden = !["present", "late"].includes(state);
    const correct = row.querySelector("[data-correct]");
    if (correct) correct.hidden = Boolean(waiting);
    const undo = row.querySelector("[data-undo]");
    if (undo) undo.hidden = !waiting;
  }

  function mark(person, state) {
    const row = rows.get(person);
    if (!row || row.dataset.state === state) return;
    if (!pending.has(person)) row.dataset.before = row.dataset.state;
    pending.set(person, { state, at: Date.now() });
    show(person, state, true);
  }

  function undo(person) {
    if (sending) return;
    pending.delete(person);
    show(person, rows.get(person).dataset.before ?? "", false);
    keep();
    tellWaiting();
  }

  // Sending: one request at a time, so many marks at once. How long ago each was made is said, not by whose clock.

  async function send() {
    clearTimeout(retry);
    if (sending || !pending.size) return;
    sending = true;
    const batch = new Map([...pending].slice(0, MOST));
    say(words.sending);
    try {
      await heard(await post(batch), batch);
    } catch {
      tellWaiting();
      later();
    }
    sending = false;
    if (pending.size && wait === 2000) later(0);
  }

  function post(batch) {
    const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
    for (const [person, { state, at }] of batch) {
      body.append("mark", `${person}:${state}:${Math.max(0, Math.round((Date.now() - at) / 1000))}`);
    }
    return fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body,
      credentials: "same-origin",
      redirect: "error",
    });
  }

  async function heard(answer, batch) {
    if (answer.ok) return sent(await answer.json(), batch);
    wait = 4000;
    if (answer.status === 401) return say(words.signed_out, words.sign_in, form.dataset.signIn);
    if (answer.status === 409) return say(words.closed.replace("{n}", pending.size));
    if (answer.status === 404) return stop();
    if (answer.status === 400) return (await renewed()) ? later(0) : say(words.refused);
    throw new Error(`status ${answer.status}`);
  }

  function sent(told, batch) {
    wait = 2000;
    let kept = 0;
    let elsewhere = 0;
    for (const [person, { state }] of batch) {
      const outcome = told.people[person] ?? { result: "unknown", state: null };
      if (pending.get(person)?.state === state) pending.delete(person);
      if (!pending.has(person)) show(person, outcome.state, false);
      kept += outcome.result === "correct";
      elsewhere += outcome.result === "elsewhere";
    }
    keep();
    if (whole) {
      const open = [...rows.values()].filter((row) => !row.dataset.state && !row.hasAttribute("data-elsewhere"));
      const counted = words.counted.replace("{there}", told.there).replace("{away}", told.away);
      for (const place of document.querySelectorAll("[data-numbers]")) place.textContent = counted.replace("{left}", open.length);
    }
    for (const place of document.querySelectorAll("[data-difference]")) place.textContent = told.difference;
    if (kept) say(words.kept.replace("{n}", kept));
    else if (elsewhere) say(words.elsewhere.replace("{n}", elsewhere));
    else say(words.sent);
  }

  // The form's token belongs to a session that has ended. A page of the same point and person brings a new one.
  async function renewed() {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("roll");
    if (fresh?.dataset.point !== point || fresh.dataset.owner !== owner) {
      if (answer.status === 404) stop();
      return false;
    }
    const same = form.elements.csrf_token.value === fresh.elements.csrf_token.value;
    form.elements.csrf_token.value = fresh.elements.csrf_token.value;
    return !same;
  }

  function stop() {
    pending.clear();
    keep();
    say(words.not_yours);
  }

  function later(after = wait) {
    clearTimeout(retry);
    retry = setTimeout(send, after);
    if (after) wait = Math.min(wait * 2, 60000);
  }

  function tellWaiting() {
    say(pending.size ? words.offline.replace("{n}", pending.size) : "");
  }

  function say(text, link, address) {
    const line = document.querySelector("[data-told]");
    line.textContent = text;
    if (link) {
      const way = document.createElement("a");
      way.href = address;
      way.textContent = link;
      line.append(" ", way);
    }
  }

  // Finding a name as it is typed, with marks or without.

  const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/giu, "d").toLowerCase();

  const folded = new Map([...rows.values()].map((row) => [row, fold(row.dataset.name)]));

  function find(text) {
    const parts = fold(text).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const [row, name] of folded) {
      row.hidden = !parts.every((part) => name.includes(part));
      found += !row.hidden;
    }
    say(parts.length ? words.found.replace("{n}", found) : "");
  }

  const search = document.getElementById("search");
  if (whole && search) {
    search.addEventListener("input", () => find(search.elements.q.value));
    search.addEventListener("submit", (event) => {
      event.preventDefault();
      find(search.elements.q.value);
    });
  }

  form.addEventListener("submit", (event) => {
    const [person, state] = (event.submitter?.value ?? "").split(":");
    if (!rows.has(person)) return;
    event.preventDefault();
    mark(person, state);
    keep();
    rows.get(person).querySelector(".roll__said").focus();
    tellWaiting();
    send();
  });

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-undo]");
    if (button) undo(button.closest("[data-person]").dataset.person);
  });

  document.getElementById("rest")?.addEventListener("submit", (event) => {
    if (!whole) return;
    event.preventDefault();
    const state = event.submitter?.value ?? "present";
    for (const [person, row] of rows) {
      if (row.dataset.state || row.hasAttribute("data-elsewhere")) continue;
      const leave = row.hasAttribute("data-leave");
      if (!leave || state !== "present") mark(person, leave ? "excused" : state);
    }
    keep();
    tellWaiting();
    send();
  });

  // Whoever reports, reports what has arrived.
  document.getElementById("close")?.addEventListener("submit", (event) => {
    if (!pending.size) return;
    event.preventDefault();
    tellWaiting();
    send();
  });

  addEventListener("online", () => {
    wait = 2000;
    send();
  });
  addEventListener("offline", tellWaiting);
  document.addEventListener("visibilitychange", send);

  restore();
  send();
})();
