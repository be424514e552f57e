// An agent of your own in Node. docs/other-languages.md says how to install and rehearse it.
"use strict";

const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const protos = process.env.PROTOS ?? path.join(__dirname, "../../../protos");
const definition = loader.loadSync("greenroom/agent/v1/agent.proto", {
  includeDirs: [protos],
  keepCase: true, // field names as the contracts write them
  longs: String,
  oneofs: true, // event.kind says which field is set
});
const { AgentService } = grpc.loadPackageDefinition(definition).greenroom.agent.v1;

const say = (text) => ({ say: { text } });
const end = (text) => ({ end: { text } });
const text = (stringValue) => ({ stringValue });

// Finds the order and hands over to a colleague. It is stateless: each request has the whole transcript.
function act({ events }) {
  const said = events.map((event) => event.user_message?.text ?? "").join(" ");
  const order = said.match(/LH-\d{5}/)?.[0];
  const email = said.match(/\S+@[\w.-]+\w/)?.[0];
  const found = events.findLast((event) => event.kind === "tool_result")?.tool_result.answer;
  if (!order) return say("What is your order number? It begins with LH.");
  if (!email) return say("And the e-mail address you ordered with?");
  if (!found) {
    const fields = { order_id: text(order), email: text(email) };
    return { call_tool: { tool: "find_order", arguments: { fields } } };
  }
  if (found.error) return end("I can't find that order. A colleague will call you.");
  const item = found.value.structValue.fields.item.stringValue;
  return end(`I see ${item}. A colleague will take it from here, goodbye!`);
}

const server = new grpc.Server();
server.addService(AgentService.service, { Act: (call, reply) => reply(null, act(call.request)) });
server.bindAsync(`127.0.0.1:${process.argv[2] ?? 9100}`, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    console.error(`${error.message}; give a free port as the argument.`);
    process.exit(1);
  }
  console.log(`The agent listens on 127.0.0.1:${port}`);
});
