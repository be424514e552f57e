// An agent behind a webhook, in Node without packages. docs/agents/http.md says how to rehearse it.
// SECRET is the key that signs the requests; without it, signatures are not checked.
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";

const say = (text) => ({ say: { text } });
const end = (text) => ({ end: { text } });

// Finds the order and hands over to a colleague. It is stateless: each request has the whole transcript.
function act({ events }) {
  const said = events.map((event) => event.user_message?.text ?? "").join(" ");
  const order = said.match(/LH-\d{5}/)?.[0];
  const email = said.match(/\S+@[\w.-]+\w/)?.[0];
  const found = events.findLast((event) => event.tool_result)?.tool_result.answer;
  if (!order) return say("What is your order number? It begins with LH.");
  if (!email) return say("And the e-mail address you ordered with?");
  if (!found) {
    const call = { call_tool: { tool: "find_order", arguments: { order_id: order, email } } };
    return { actions: [say("One moment, please."), call] };
  }
  if (found.error) return end("I can't find that order. A colleague will call you.");
  return end(`I see ${found.value.item}. A colleague will take it from here, goodbye!`);
}

function isSigned(headers, body) {
  const time = headers["greenroom-timestamp"] ?? "";
  const digest = createHmac("sha256", process.env.SECRET).update(`${time}.`).update(body).digest("hex");
  const [given, expected] = [headers["greenroom-signature"] ?? "", `v1=${digest}`].map((text) => Buffer.from(text));
  const fresh = Math.abs(Date.now() / 1000 - Number(time)) < 300;
  return fresh && given.length === expected.length && timingSafeEqual(given, expected);
}

const server = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  const answer = (status, content) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(content));
  };
  if (process.env.SECRET && !isSigned(request.headers, body)) return answer(401, { error: "The signature is wrong." });
  try {
    answer(200, act(JSON.parse(body)));
  } catch {
    answer(400, { error: "The body is no ActRequest." });
  }
});
server.on("error", ({ message }) => {
  console.error(`${message}; give a free port as the argument.`);
  process.exitCode = 1;
});
server.listen(Number(process.argv[2] ?? 8080), "127.0.0.1", () => {
  console.log(`The webhook listens on 127.0.0.1:${server.address().port}`);
});
