// Where a person is looked for by name (input[data-people]): whoever fits is offered below the form while one types, as
// links to data-to. Without this script the form is sent, and the page shows who fits.
"use strict";

for (const box of document.querySelectorAll("input[data-people]")) {
  const list = document.createElement("ul");
  const told = document.createElement("p");
  let waiting = 0;
  list.className = "names";
  list.hidden = true;
  list.setAttribute("aria-label", box.dataset.label);
  told.className = "muted small";
  told.setAttribute("role", "status");
  box.form.after(told, list);

  const entry = (one) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const note = document.createElement("span");
    link.className = "names__name";
    link.href = box.dataset.to.replace("00000000-0000-0000-0000-000000000000", one.id);
    link.textContent = one.name;
    note.className = "names__note";
    note.textContent = one.about;
    item.append(link, note);
    return item;
  };

  const show = (people, words) => {
    list.replaceChildren(...people.map(entry));
    list.hidden = !people.length;
    told.textContent = words;
  };

  const offer = async () => {
    const sought = box.value.trim();
    if (sought.length < 2) return show([], "");
    const form = new FormData();
    form.set("q", sought);
    form.set("csrf_token", box.form.elements.csrf_token.value);
    if (box.dataset.keep) form.set("keep", "1");
    const answer = await fetch(box.dataset.people, { method: "POST", body: form, credentials: "same-origin" });
    if (box.value.trim() !== sought || !(answer.headers.get("Content-Type") || "").includes("json")) return;
    const { people, more, error } = await answer.json();
    const some = more ? box.dataset.first : box.dataset.some;
    show(people, error || (people.length ? some.replace("0", people.length) : box.dataset.none));
  };

  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(offer, 200);
  });
}
