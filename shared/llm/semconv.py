"""The names of OpenTelemetry's conventions for generative AI. All are here, because they still change.

Source: open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md and gen-ai-token-metrics.md, as of
October 2026; their status is Development.
"""

CHAT = "chat"
EMBEDDINGS = "embeddings"
JSON = "json"
TEXT = "text"

CONVERSATION_ID = "gen_ai.conversation.id"
ERROR_TYPE = "error.type"
OPERATION_NAME = "gen_ai.operation.name"
OUTPUT_TYPE = "gen_ai.output.type"
PROVIDER_NAME = "gen_ai.provider.name"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
RESPONSE_TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
TOKEN_MODALITY = "gen_ai.token.modality"  # noqa: S105 - a name, not a secret
USAGE_CACHE_READ_INPUT_TOKENS = "gen_ai.usage.cache_read.input_tokens"
USAGE_INPUT_TOKENS = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS = "gen_ai.usage.output_tokens"

CLIENT_DURATION = "gen_ai.client.inference.duration"
CLIENT_TIME_TO_FIRST_CHUNK = "gen_ai.client.inference.time_to_first_chunk"
CLIENT_INPUT_TOKENS = "gen_ai.client.inference.usage.input_tokens"
CLIENT_OUTPUT_TOKENS = "gen_ai.client.inference.usage.output_tokens"
CLIENT_CACHE_READ_INPUT_TOKENS = "gen_ai.client.inference.usage.cache_read.input_tokens"

SECONDS_BUCKETS = tuple(0.01 * 2**power for power in range(14))
"""The bounds of the buckets that the conventions ask for: 10 ms, each next one twice as long, 81.92 s."""
