// @xapi/xapi, at the disposal of tests/conformance/test_xapi_js.py: every call has one object of parameters.
import XAPI from "@xapi/xapi";

import { bytes, serve } from "./calls.cjs";

await serve(({ endpoint, key, secret, version, adapter }) => {
  const client = new XAPI({ endpoint, auth: XAPI.toBasicAuth(key, secret), version, adapter });
  return async (call, parameters) => {
    const given = { ...parameters };
    if (Array.isArray(given.attachments)) given.attachments = given.attachments.map(bytes);
    const { status, headers, data } = await client[call](given);
    return { status, headers: { ...headers }, data };
  };
});
