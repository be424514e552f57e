"""Agents behind a webhook: the messages of greenroom.agent.v1.AgentService as JSON."""

import hmac
import re
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from google.protobuf import json_format

from greenroom.agent.v1 import agent_pb2
from services.synthesizer.adapters.agents.acts import ResponseUnusable, act_request, action_of
from services.synthesizer.adapters.agents.kind import Access, ExternalAgent
from services.synthesizer.adapters.agents.web import address_problem, filled, header_problem
from services.synthesizer.conversations.targets import Action, View
from shared.model.events import Json
from shared.plain import plain
from shared.words import all_of
from shared.yaml import near

_MAX_QUOTE = 200
_UNKNOWN_FIELD = re.compile(
    r'no field named "(?P<name>.*?)" at "ActResponse\.?(?P<place>.*?)"\.\s*Available Fields.*?: "(?P<known>.*?)"',
    re.DOTALL,
)
"""What protobuf says of a field that a message does not have; it names those that there are in camelCase."""


class HttpAgent(ExternalAgent):
    """A webhook that takes an ActRequest and answers an ActResponse. config: the fields of the message HttpAgent."""

    def __init__(self, config: Mapping[str, Json], access: Access) -> None:
        from services.synthesizer.adapters.agents.endpoint import Endpoint

        self._secret = access.secrets.value(config["secret"]) if "secret" in config else ""
        self._endpoint = Endpoint(config["url"], access, filled(config.get("headers", {}), self._secret), self._secret)

    @staticmethod
    def hosts(config: Mapping[str, Json]) -> Mapping[str, str]:
        return {"url": urlsplit(config["url"]).hostname or ""}

    @staticmethod
    def problems(config: Mapping[str, Json]) -> Mapping[str, str]:
        wrong = {"url": address_problem(config["url"]), "headers": header_problem(config)}
        return {field: sentence for field, sentence in wrong.items() if sentence}

    async def act(self, view: View) -> Action:
        message = json_format.MessageToJson(act_request(view), preserving_proto_field_name=True, indent=None)
        body = message.encode(errors="replace")
        signature = signed(body, self._secret, int(time.time())) if self._secret else {}
        received = await self._endpoint.post(body, {"Idempotency-Key": f"{view.conversation}:{view.seq}", **signature})
        try:
            return action_of(_response(received.content), view)
        except ResponseUnusable as error:
            raise self._endpoint.failed(f"it {error}") from error
        except (json_format.ParseError, ValueError, RecursionError) as error:
            begins = self._endpoint.quoted(received.content[:4096].decode(errors="replace"))
            wrong = plain(_wrong(str(error)), _MAX_QUOTE)
            why = f'its answer ({received.kind}) is no ActResponse ({wrong}); it begins "{begins}"'
            raise self._endpoint.failed(why) from error

    async def close(self) -> None:
        await self._endpoint.close()


def _response(content: bytes) -> agent_pb2.ActResponse:
    """The response in an answer, which may begin with a byte order mark. Raises ParseError, ValueError."""
    text = content.decode("utf-8-sig")
    if not text.lstrip().startswith("{"):
        raise ValueError("it is no JSON object")
    return json_format.Parse(text, agent_pb2.ActResponse())


def _wrong(said: str) -> str:
    """What is wrong with an answer, with the field names of the contract."""
    unknown = _UNKNOWN_FIELD.search(said)
    if unknown is None:
        return said
    name = unknown["name"][:64]
    known = [
        re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", one) for one in re.findall(r"\w+", unknown["known"])
    ]
    inside = f" in `{unknown['place']}`" if unknown["place"] else ""
    return f"there is no `{name}`{inside}{near(name, known) or f'; it has {all_of(known)}'}"


def signed(body: bytes, secret: str, now: int) -> dict[str, str]:
    """The headers that prove who sent a body and when. now: Unix seconds."""
    digest = hmac.new(secret.encode(), f"{now}.".encode() + body, "sha256").hexdigest()
    return {"Greenroom-Timestamp": str(now), "Greenroom-Signature": f"v1={digest}"}
