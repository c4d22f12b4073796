// Passkeys: shows the forms that need them (form[data-passkey], form[data-passkey-new]) where the browser has them, lets
// the device sign what the server asks, and sends the form with its answer. Without this script they stay hidden.
"use strict";

const bytes = text => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), one => one.charCodeAt(0));
const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function asked(form, address) {
  const answer = await fetch(address, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
  const told = await answer.json();
  if (!answer.ok) {
    throw new Error((told.errors || []).join(" "));
  }
  return told;
}

function withBytes(options) {
  options.challenge = bytes(options.challenge);
  if (options.user) {
    options.user.id = bytes(options.user.id);
  }
  for (const one of [...(options.excludeCredentials || []), ...(options.allowCredentials || [])]) {
    one.id = bytes(one.id);
  }
  return options;
}

function asJson(credential) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) {
      response[part] = text(credential.response[part]);
    }
  }
  return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
}

function enliven(form, address, ask) {
  const trouble = form.querySelector("[data-trouble]");
  form.hidden = false;
  form.addEventListener("submit", async event => {
    event.preventDefault();
    trouble.hidden = true;
    let said = "";
    try {
      const options = await asked(form, address).catch(error => { said = error.message; throw error; });
      form.elements.credential.value = asJson(await ask({ publicKey: withBytes(options) }));
      form.submit();
    } catch {
      trouble.textContent = said || trouble.dataset.trouble;
      trouble.hidden = false;
    }
  });
}

if (window.PublicKeyCredential && navigator.credentials) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    enliven(form, form.dataset.passkey, options => navigator.credentials.get(options));
  }
  for (const form of document.querySelectorAll("form[data-passkey-new]")) {
    document.querySelector("[data-without-script]").hidden = true;
    enliven(form, form.dataset.passkeyNew, options => navigator.credentials.create(options));
  }
}
