// A web server: Inngest calls /api/inngest, and a form posts tickets to /tickets.

import http from "node:http";

import { serve } from "inngest/node";

import { answerTicket, pageTeam } from "./functions.js";
import { inngest } from "./inngest.js";

const port = Number(process.env.PORT ?? 3000);
const handler = serve({ client: inngest, functions: [answerTicket, pageTeam] });

async function createTicket(request: http.IncomingMessage, response: http.ServerResponse) {
  let body = "";
  for await (const chunk of request) {
    body += chunk;
  }
  const { ids } = await inngest.send({ name: "support/ticket.created", data: JSON.parse(body) });
  response.writeHead(202, { "content-type": "application/json" }).end(JSON.stringify({ ids }));
}

const server = http.createServer((request, response) => {
  if (request.method === "POST" && request.url === "/tickets") {
    createTicket(request, response).catch((error) => response.writeHead(500).end(String(error)));
  } else {
    handler(request, response);
  }
});

server.listen(port, () => console.log(`support desk on port ${port}`));
