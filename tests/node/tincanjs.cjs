// tincanjs, at the disposal of tests/conformance/test_tincanjs.py: every call has a list of arguments, the last of them
// its settings. Its own classes are written {"class": "Agent", "of": {…}}; what it answers comes back as plain values.
"use strict";

const TinCan = require("tincanjs");

const { bytes, serve } = require("./calls.cjs");

function made(value) {
  if (Array.isArray(value)) return value.map(made);
  if (value === null || typeof value !== "object") return value;
  if (value.class === "bytes") return bytes(value.of);
  const inner = Object.fromEntries(Object.entries(value.class ? value.of : value).map(([name, one]) => [name, made(one)]));
  return value.class ? new TinCan[value.class](inner) : inner;
}

function plain(value) {
  if (value instanceof ArrayBuffer) return Buffer.from(value).toString("base64");
  if (value instanceof TinCan.Statement) {
    const said = value.asVersion("1.0.2");
    const contents = (value.attachments || []).map((one) => (one.content ? plain(one.content) : null));
    return { ...said, contents };
  }
  if (value instanceof TinCan.StatementsResult) return { statements: value.statements.map(plain), more: value.more };
  if (value && typeof value.asVersion === "function") return value.asVersion("1.0.2");
  return value;
}

// An answer without a model of its own is the XMLHttpRequest.
const outcome = (result) =>
  result && typeof result.status === "number" ? { status: result.status, data: result.responseText } : { data: plain(result) };

serve(({ endpoint, key, secret, version }) => {
  const lrs = new TinCan.LRS({ endpoint, username: key, password: secret, version, allowFail: false });
  return (call, written) =>
    new Promise((resolve, reject) => {
      const given = written.map(made);
      const settings = given.pop();
      const callback = (error, result) => {
        if (error !== null && typeof error !== "number") reject(error);
        else resolve(outcome(result));
      };
      lrs[call](...given, { ...settings, callback });
    });
});
