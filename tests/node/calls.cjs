// Answers the tests a line at a time: a call as JSON on stdin, its outcome as JSON on stdout. A line with an
// endpoint says which store to speak to from now on. Whatever the client throws or rejects with is an outcome too, so a
// test sees it.
"use strict";

const readline = require("node:readline");

function told(error) {
  const answer = error && error.response;
  return answer ? { status: answer.status, error: answer.data } : { error: String((error && error.message) || error) };
}

exports.serve = async function serve(open) {
  let client = null;
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    let outcome = {};
    try {
      if (asked.endpoint) client = open(asked);
      else outcome = await client(asked.call, asked.with);
    } catch (error) {
      outcome = told(error);
    }
    process.stdout.write(`${JSON.stringify(outcome)}\n`);
  }
};

exports.bytes = (base64) => Uint8Array.from(Buffer.from(base64, "base64")).buffer;
