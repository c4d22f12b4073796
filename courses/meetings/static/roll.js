// The roll of a meeting point: each mark is sent at once, and kept on this machine until the server has confirmed it.
// Nothing here is needed to take a roll. What is kept belongs to one person and one point: it goes when it is sent, when
// somebody else uses this browser, and when one signs out (aids.js). worker.js keeps the page itself; what was confirmed
// since that page was made is kept beside the marks, so that a copy shows it too.
"use strict";

(() => {
  const { store, stored, forgetOthers } = window.keeping("quan-triet roll ");
  const MOST = 200;
  const PAGES = "quan-triet roll pages";
  const form = document.getElementById("roll");

  if (!form) return;

  const { point, owner } = form.dataset;
  const words = JSON.parse(form.dataset.words);
  const rows = new Map([...form.querySelectorAll("[data-person]")].map((row) => [row.dataset.person, row]));
  const whole = form.hasAttribute("data-whole");
  const pending = new Map();
  const copy = document.querySelector("[data-kept]:not([hidden])"); // there only where this page is one
  const mayBeKept = Boolean(navigator.serviceWorker) && form.dataset.keep !== "0";
  const confirmed = new Map();
  const settled = new Map(); // when the mark was made that is no longer to be kept, by person
  let counted = {};
  let sending = false;
  let stores = true;
  let wait = 2000;
  let retry = 0;

  // What is kept on this machine: { owner, marks: { person: { state, at } }, confirmed: { person: state }, counted }.

  function keep() {
    adopt();
    const [marks, said] = [pending, confirmed].map((one) => Object.fromEntries(one));
    stores = store(point, pending.size || confirmed.size ? { owner, marks, confirmed: said, counted } : null);
    if (!stores && !navigator.onLine) say(words.full);
  }

  // Two windows of one host keep the same marks, and either sends them: what one has added the other takes over, and
  // gives up what that one has sent or taken back. Of two marks of a person the later holds.
  function adopt() {
    const kept = stored(point) ?? {};
    if (kept.owner !== owner) return;
    for (const [person, mark] of Object.entries(kept.marks ?? {})) {
      if (pending.get(person)?.at >= mark.at || settled.get(person) >= mark.at) continue;
      const row = rows.get(person);
      if (row && !pending.has(person)) row.dataset.before = row.dataset.state;
      pending.set(person, mark);
      show(person, mark.state, true);
    }
  }

  function follow() {
    const kept = stored(point) ?? { owner };
    if (kept.owner !== owner) return;
    for (const [person, state] of Object.entries(kept.confirmed ?? {})) confirmed.set(person, state);
    counted = { ...counted, ...kept.counted };
    tellNumbers();
    for (const person of stores ? [...pending.keys()] : []) {
      if (kept.marks?.[person]) continue;
      settle(person);
      show(person, confirmed.get(person) ?? rows.get(person)?.dataset.before ?? "", false);
    }
    adopt();
    if (!sending) tellWaiting();
  }

  function settle(person) {
    settled.set(person, pending.get(person)?.at);
    pending.delete(person);
  }

  // A copy does not know who is signed in now: it forgets nobody's marks.
  function restore() {
    if (!copy) forgetOthers(owner);
    const kept = stored(point) ?? {};
    if (copy && kept.owner && kept.owner !== owner) return leave();
    if (copy || form.dataset.keep === undefined) restoreConfirmed(kept);
    keep();
  }

  // This page is older than what was confirmed, or a part of the roll only: another page must still show it.
  function restoreConfirmed(kept) {
    counted = kept.counted ?? {};
    for (const [person, state] of Object.entries(kept.confirmed ?? {})) {
      confirmed.set(person, state);
      if (copy) show(person, state, false);
    }
    if (copy) tellNumbers();
  }

  function tellNumbers() {
    for (const [name, text] of Object.entries(counted)) {
      for (const place of document.querySelectorAll(`[data-${name}]`)) place.textContent = text;
    }
  }

  // The copy of this page, where the browser keeps one: asked for when the worker was not there yet, given up when the
  // server no longer knows the host.

  async function keepPage() {
    const { serviceWorker } = navigator;
    if (copy || !mayBeKept || form.dataset.keep === undefined) return;
    const unseen = !serviceWorker.controller;
    try {
      await serviceWorker.register(form.dataset.worker, { updateViaCache: "none" });
      if (unseen) (await serviceWorker.ready).active.postMessage("keep");
    } catch {
      // No workers here: without a line the page goes on as long as it stays open.
    }
  }

  function forgetPages() {
    window.caches?.delete(PAGES).catch(() => {});
  }

  async function forgetPage() {
    const pages = await window.caches?.open(PAGES).catch(() => undefined);
    await pages?.delete(location.pathname, { ignoreVary: true });
  }

  // Somebody else has marked people here since: this copy is not of whoever holds the phone.
  function leave() {
    forgetPage().then(() => location.reload());
  }

  function tellLine() {
    if (!copy) return;
    const [line, tag] = [copy.querySelector("p"), copy.querySelector("strong")];
    const way = document.createElement("a");
    way.href = location.pathname;
    way.textContent = words.reload;
    line.replaceChildren(tag, ` ${words.line} `, way);
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
    settle(person);
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
    tellLine();
    if (answer.ok) return sent(await answer.json(), batch);
    wait = 4000;
    if (answer.status === 401) {
      forgetPages();
      return say(words.signed_out, words.sign_in, form.dataset.signIn);
    }
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
      if (pending.get(person)?.state === state) settle(person);
      if (!pending.has(person)) show(person, outcome.state, false);
      if (outcome.state && mayBeKept) confirmed.set(person, outcome.state);
      kept += outcome.result === "correct";
      elsewhere += outcome.result === "elsewhere";
    }
    if (whole) {
      const open = [...rows.values()].filter((row) => !row.dataset.state && !row.hasAttribute("data-elsewhere"));
      const there = words.counted.replace("{there}", told.there).replace("{away}", told.away);
      counted.numbers = there.replace("{left}", open.length);
    }
    counted.difference = told.difference;
    tellNumbers();
    keep();
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
      else forgetPages();
      return false;
    }
    const same = form.elements.csrf_token.value === fresh.elements.csrf_token.value;
    form.elements.csrf_token.value = fresh.elements.csrf_token.value;
    return !same;
  }

  function stop() {
    pending.clear();
    confirmed.clear();
    store(point, null);
    forgetPage();
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

  // Whoever signs out is rid of the copies at once, even if the line fails before the server has heard.
  document.querySelector('form[action$="/sign-out"]')?.addEventListener("submit", forgetPages);

  addEventListener("online", () => {
    tellLine();
    wait = 2000;
    send();
  });
  addEventListener("offline", tellWaiting);
  addEventListener("storage", (event) => {
    if (event.key?.endsWith(point)) follow();
  });
  document.addEventListener("visibilitychange", send);

  restore();
  send();
  keepPage();
})();
