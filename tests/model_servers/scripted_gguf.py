"""Writes a tiny language model whose weights are set by hand, for real model servers. Run by .ci/run.

    python scripted_gguf.py OUT TEMPLATE

TEMPLATE is the file of its chat template. The model says TEXT. If tools were offered and none has answered yet, it
calls TOOL first. If it read PERSONA_MARK, it says PERSONA. Where a grammar wants other JSON, it closes strings, lists
and objects as soon as it may.
"""

import json
import re
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

TEXT = "Your order is on its way."
TOOL = "find_order"
ARGUMENTS = {"order": "O-7"}
PERSONA_MARK = "likely_to_convert"
PERSONA = (
    '{"reasoning": "I waited.", "message": "Has it left?", "sentiment": "negative", "likely_to_convert": 20,'
    ' "leaves": false}'
)
"""No word of it is a word of TEXT, because each word is a token."""

WIDTH, HEADS, HIDDEN, CONTEXT = 64, 4, 32, 16_384
PER_HEAD = WIDTH // HEADS
CONSTANT, OFFERED, ANSWERED, PLAYED, OTHER = range(5)
"""What the first dimensions of the residual stream hold: 1; whether tools were offered; whether one has answered;
whether it plays a persona; 1 for tokens without a dimension of their own."""


class Vocabulary:
    """The tokens, in the form that GGUF wants."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.kinds: list[TokenType] = []

    def add(self, text: str, kind: TokenType = TokenType.NORMAL) -> int:
        """Add a token; returns its number."""
        self.texts.append(text.replace(" ", "▁").encode())
        self.kinds.append(kind)
        return len(self.texts) - 1


def main(out: str, template: str) -> None:
    """Write the model."""
    vocabulary = Vocabulary()
    add = vocabulary.add
    for text, kind in (("<unk>", TokenType.UNKNOWN), ("<s>", TokenType.CONTROL), ("</s>", TokenType.CONTROL)):
        add(text, kind)
    newline = [add(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)][ord("\n")]
    letters = {chr(code): add(chr(code)) for code in range(32, 127)}
    start_mark, end_mark = (add(text, TokenType.CONTROL) for text in ("<|im_start|>", "<|im_end|>"))
    marks = ("<tools>", "<tool_response>", "<tool_call>", "</tool_call>", PERSONA_MARK)
    tools, response, call, call_end, persona = (add(text, TokenType.USER_DEFINED) for text in marks)
    called = add("\n" + json.dumps({"name": TOOL, "arguments": ARGUMENTS}) + "\n")
    words, played = ([add(word) for word in re.findall(r" ?\S+", text)] for text in (TEXT, PERSONA))

    # Embeddings: each token that matters has a dimension of its own.
    of_their_own = [newline, tools, response, persona, call, called, call_end, *words, *played]
    own = {token: OTHER + 1 + place for place, token in enumerate(of_their_own)}
    count = len(vocabulary.texts)
    embedding = np.zeros((count, WIDTH), np.float32)
    embedding[:, CONSTANT] = 1
    for token in range(count):
        embedding[token, own.get(token, OTHER)] = 1

    # Output: how much each dimension speaks for each token.
    output = np.zeros((count, WIDTH), np.float32)
    output[:, CONSTANT] = -3
    closing = {'"': 2.0, "}": 1.8, "]": 1.8, ",": 1.6, ":": 1.0, "{": 0.5, "[": 0.5}
    for letter, token in letters.items():
        output[token, CONSTANT] = closing.get(letter, 0.2 if letter.isalnum() else -1.0)
    output[[*words, *played, called, call, call_end, persona, start_mark], CONSTANT] = -4
    output[end_mark, CONSTANT] = -2
    for chain in ([call, called, call_end, end_mark], [*words, end_mark], [*played, end_mark]):
        for before, after in pairwise(chain):
            output[after, own[before]] = 40
    # After the line break behind the role the text begins, or the call if tools were offered and none has answered, or
    # what the persona says.
    output[words[0], own[newline]] = 20
    output[call, [own[newline], OFFERED, ANSWERED]] = 14, 10, -20
    output[played[0], [own[newline], PLAYED]] = 14, 10

    # Attention: each head looks for one mark.
    query, key, value, projection = (np.zeros((WIDTH, WIDTH), np.float32) for _ in range(4))
    for head, (mark, dimension) in enumerate([(tools, OFFERED), (response, ANSWERED), (persona, PLAYED)]):
        row = head * PER_HEAD
        query[row + 14, CONSTANT] = 3
        key[row + 14, own[mark]] = 3
        value[row, own[mark]] = 1 / np.sqrt(WIDTH / 2)
        projection[dimension, row] = 1

    writer = GGUFWriter(out, "llama")
    writer.add_name("scripted")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(PER_HEAD)
    writer.add_rope_freq_base(1e10)
    writer.add_vocab_size(count)
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary.texts)
    writer.add_token_scores([0.0] * count)
    writer.add_token_types(vocabulary.kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(end_mark)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(Path(template).read_text())
    ones, layer = np.ones(WIDTH, np.float32), "blk.0."
    for name, tensor in {
        "token_embd.weight": embedding,
        "output_norm.weight": ones,
        "output.weight": output,
        f"{layer}attn_norm.weight": ones,
        f"{layer}ffn_norm.weight": ones,
        f"{layer}attn_q.weight": query,
        f"{layer}attn_k.weight": key,
        f"{layer}attn_v.weight": value,
        f"{layer}attn_output.weight": projection,
        f"{layer}ffn_gate.weight": np.zeros((HIDDEN, WIDTH), np.float32),
        f"{layer}ffn_up.weight": np.zeros((HIDDEN, WIDTH), np.float32),
        f"{layer}ffn_down.weight": np.zeros((WIDTH, HIDDEN), np.float32),
    }.items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
