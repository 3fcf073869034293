// @ts-check
// What the server itself asks for a step: a page, and a chat model that fails as often as its path says.

/** @type {Map<string, number>} */
const failures = new Map();

/**
 * Answer a request to `/page` or to `/fails/N/KEY/...` (N times 500 per key, then an answer).
 *
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 * @returns {boolean} whether it was one of these
 */
export function answers(request, response) {
  if (request.url === "/page") {
    response.end("hello");
    return true;
  }
  const [, kind, times, key] = (request.url ?? "").split("/");
  if (kind !== "fails") {
    return false;
  }
  request.resume();
  const seen = failures.get(key) ?? 0;
  failures.set(key, seen + 1);
  response.writeHead(seen < Number(times) ? 500 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify({ choices: [{ index: 0, message: { role: "assistant", content: "hello" } }] }));
  return true;
}
