// @ts-check
// One app of the conformance suite: the functions of one program, served to an Inngest server by HTTP.
// Settings come from the environment, as `node_app.py` beside this folder gives them.

import http from "node:http";

import { Inngest } from "inngest";
import { serve } from "inngest/node";

import { answers } from "./model.mjs";
import { programs } from "./programs.mjs";

/** @param {string} name */
function setting(name) {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set; node_app.py starts this program`);
  }
  return value;
}

const port = Number(setting("APP_PORT"));
const origin = setting("APP_ORIGIN"); // of the tap, which passes requests on to the port
const program = programs[setting("APP_PROGRAM")];
if (program === undefined) {
  throw new Error(`no program has the name ${process.env.APP_PROGRAM}`);
}

const client = new Inngest({
  id: setting("APP_ID"),
  isDev: true,
  baseUrl: setting("APP_SERVER"),
  checkpointing: JSON.parse(setting("APP_CHECKPOINTING")),
});

const handler = serve({
  client,
  functions: program({ client, event: (name) => `${client.id}/${name}`, own: `http://127.0.0.1:${port}` }),
  serveOrigin: origin,
  streaming: setting("APP_STREAMING") === "true",
});

http
  .createServer((request, response) => {
    if (!answers(request, response)) {
      handler(request, response);
    }
  })
  .listen(port, "127.0.0.1");
