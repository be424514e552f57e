"""An agent of your own that implements greenroom.agent.v1.AgentService.

Start it with `.venv/bin/python examples/agents/grpc_agent.py`. While it runs, rehearse it with
`.venv/bin/greenroom batches start examples/agents/batch.yaml`.
"""

import asyncio
import re
import sys

import grpc

from greenroom.agent.v1 import agent_pb2 as pb
from greenroom.agent.v1 import agent_pb2_grpc


class Agent(agent_pb2_grpc.AgentServiceServicer):
    """Finds the order and hands over to a colleague. It is stateless: each request has the whole transcript."""

    async def Act(self, request: pb.ActRequest, context: grpc.aio.ServicerContext) -> pb.ActResponse:
        said = " ".join(event.user_message.text for event in request.events)
        order, email = re.search(r"LH-\d{5}", said), re.search(r"\S+@[\w.-]+\w", said)
        found = [event.tool_result.answer for event in request.events if event.HasField("tool_result")]
        if order is None:
            return pb.ActResponse(say=pb.Say(text="What is your order number? It begins with LH."))
        if email is None:
            return pb.ActResponse(say=pb.Say(text="And the e-mail address you ordered with?"))
        if not found:
            call = pb.CallTool(tool="find_order")
            call.arguments.update({"order_id": order[0], "email": email[0]})
            return pb.ActResponse(call_tool=call)
        if found[-1].HasField("error"):
            return pb.ActResponse(end=pb.End(text="I can't find that order. A colleague will call you."))
        item = found[-1].value.struct_value["item"]
        return pb.ActResponse(end=pb.End(text=f"I see {item}. A colleague will take it from here, goodbye!"))


async def serve(port: str) -> None:
    """Serve the agent on loopback."""
    server = grpc.aio.server()
    agent_pb2_grpc.add_AgentServiceServicer_to_server(Agent(), server)
    try:
        listening = server.add_insecure_port(f"127.0.0.1:{port}")
    except RuntimeError:
        sys.exit(f"Cannot listen on port {port}; give a free one as the argument.")
    await server.start()
    print(f"The agent listens on 127.0.0.1:{listening}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1] if len(sys.argv) > 1 else "9100"))
