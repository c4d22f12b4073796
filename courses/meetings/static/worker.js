// Keeps the page of a meeting point on its host's phone, for when there is no line (docs/decisions/0042). It answers
// for that page, which it asks of the network first, and for the versioned files it needs. All else passes it by.
"use strict";

const PAGES = "quan-triet roll pages";
const FILES = "quan-triet roll files";
const PATIENCE = 5000;
const POINT = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const VERSIONED = /\/static\/[^?]+\?v=[\da-f]{16}$/;
const LOOSE = { ignoreVary: true };

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

// A page that was opened before this worker was there wants to be kept too.
addEventListener("message", (event) => {
  const address = place(event.source.url);
  if (!address) return;
  const pages = caches.open(PAGES);
  event.waitUntil(fetch(address, { redirect: "manual" }).then((answer) => learn(pages, address, answer), () => {}));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    const address = place(request.url);
    if (address) event.respondWith(page(event, address));
  } else if (VERSIONED.test(request.url)) event.respondWith(file(request));
});

// Under what the page at this address is kept; undefined where it is not the page of a point.
function place(address) {
  const { origin, pathname } = new URL(address);
  const { scope } = registration;
  const found = origin + pathname;
  return found.startsWith(scope) && POINT.test(found.slice(scope.length)) ? found : undefined;
}

// The page from the network; the copy, where there is one, when there is no network or it says nothing for so long.
async function page(event, address) {
  const pages = caches.open(PAGES); // before anything is asked: what a sign-out removes meanwhile is not brought back
  const answer = fetch(event.request);
  event.waitUntil(answer.then((found) => learn(pages, address, found.clone())).catch(() => {}));
  const late = new Promise((done) => setTimeout(done, PATIENCE));
  const found = await Promise.race([answer.catch(() => undefined), late]);
  return found ?? (await shown(address).catch(() => undefined)) ?? answer;
}

async function file(request) {
  const kept = await caches.match(request.url, { cacheName: FILES, ...LOOSE }).catch(() => undefined);
  return kept ?? fetch(request);
}

// What an answer says about the copy: keep this one, give it up, or, of a part of the roll and of faults, nothing.
async function learn(opened, address, answer) {
  const pages = await opened;
  await drop(pages, overdue);
  const seconds = answer.headers.get("Keep-Seconds");
  if (answer.type === "opaqueredirect" || answer.status === 401) await caches.delete(PAGES); // nobody is signed in
  else if ([403, 404].includes(answer.status) || seconds === "0") await pages.delete(address, LOOSE);
  else if (answer.ok && Number(seconds) > 0) await keep(pages, address, answer);
}

async function keep(pages, address, answer) {
  const headers = new Headers(answer.headers);
  headers.set("Kept-At", String(Date.now()));
  const text = await answer.text();
  await keepFiles(text);
  await drop(pages, (copy) => copy.headers.get("Keep-For") !== headers.get("Keep-For"));
  await pages.put(address, new Response(text, { headers }));
}

// A file of another version than the address names, as an old host of a rolling update has it, is not kept for it.
async function keepFiles(text) {
  const files = await caches.open(FILES);
  for (const [, path] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
    const { href } = new URL(path, location.href);
    if (!VERSIONED.test(href) || (await files.match(href, LOOSE))) continue;
    const answer = await fetch(href);
    if (!answer.headers.get("Cache-Control")?.includes("immutable")) throw new Error(`no such version: ${href}`);
    await files.put(href, answer);
  }
}

// The copy as a page that says that it is one, and of when.
async function shown(address) {
  const pages = await caches.open(PAGES);
  await drop(pages, overdue);
  const copy = await pages.match(address, LOOSE);
  if (!copy) return undefined;
  const at = new Date(Number(copy.headers.get("Kept-At")));
  const moment = [at.getHours(), at.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
  const text = (await copy.text()).replace(" data-kept hidden>", " data-kept>").replace("{kept_at}", moment);
  return new Response(text, { headers: copy.headers });
}

// By this phone's clock alone, which may be wrong; put back or forward meanwhile, it ends the copy the sooner.
function overdue(copy) {
  const age = Date.now() - Number(copy.headers.get("Kept-At"));
  return Math.abs(age) > Number(copy.headers.get("Keep-Seconds")) * 1000;
}

async function drop(pages, gone) {
  for (const request of await pages.keys()) {
    const copy = await pages.match(request, LOOSE);
    if (copy && gone(copy)) await pages.delete(request, LOOSE);
  }
}
