"""The folder of a transformers model, read without torch: what it is, how it is named, whether it is safe to load."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from audit import cache
from audit.errors import InputError

_DETERMINING = (".safetensors", ".json", ".txt", ".model", ".spm", ".vocab", ".tiktoken")
_OURS = frozenset({"training.json"})
"""Written beside a model by fine-tuning; no part of what determines outputs."""
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model")
_UNNAMED = re.compile(r"LABEL_(\d+)")
_LONGEST_HEADER = 100_000_000
"""Bytes, as the format says."""
_NO_LIMIT = 10**9
"""Tokenizers write 1e30 for "none"."""
_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})


@dataclass(frozen=True)
class ModelFolder:
    """A folder with `config.json`, weights in safetensors format and a tokenizer."""

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            self.refuse("there is no such folder", "name the folder that holds the model's config.json")
        self._refuse_links_outside()
        if not (self.path / "config.json").is_file():
            self.refuse("has no config.json", "save the model with save_pretrained")
        if not self.weights:
            if any(found for pattern in _PICKLES for found in self.path.glob(pattern)):
                remedy = "on a machine that may run them, load and save_pretrained(..., safe_serialization=True)"
                self.refuse("has weights as a pickle only, which can run any code when it is loaded", remedy)
            self.refuse("has no weights (*.safetensors)", "save the model with save_pretrained")
        if not any((self.path / name).is_file() for name in _TOKENIZERS):
            self.refuse("has no tokenizer", "save the tokenizer into it with save_pretrained")
        if (self.path / "tokenizer.json").is_file() and not self._json("tokenizer.json").get("model"):
            self.refuse("tokenizer.json holds no tokenizer", "save the tokenizer again with save_pretrained")

    def _refuse_links_outside(self) -> None:
        """Files by which a model is read lie in its folder, or, in a cache of Hugging Face, under the same repository."""
        root = self.path.resolve()
        if root.parent.name == "snapshots" and root.parent.parent.name.startswith("models--"):
            root = root.parent.parent
        for file in sorted((*self.path.glob("*"), *self.path.glob("*/*"))):
            if not Path(os.path.realpath(file)).is_relative_to(root):
                self.refuse(f"{file.relative_to(self.path)} leads out of the folder", "copy the file in its place")

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """The folder cannot be used."""
        msg = f"{self.path}: {what}: {remedy}"
        raise InputError(msg)

    @cached_property
    def weights(self) -> tuple[Path, ...]:
        """Weight files in the order of their names."""
        return tuple(sorted(self.path.glob("*.safetensors")))

    @cached_property
    def config(self) -> dict[str, Any]:
        """The model's configuration, as JSON."""
        return self._json("config.json")

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except ValueError as error:
            msg = f"{path}: not JSON ({error}): save the model again"
            raise InputError(msg) from error
        return found if isinstance(found, dict) else {}

    @cached_property
    def sha256(self) -> str:
        """Digest over the names and digests of all files that determine outputs, in name order."""
        files = sorted(file for file in self.path.iterdir() if file.suffix in _DETERMINING and file.name not in _OURS)
        lines = "".join(f"{cache.digest(file)}  {file.name}\n" for file in files if file.is_file())
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights alone."""
        digests = [cache.digest(path) for path in self.weights]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()

    @cached_property
    def parameters(self) -> int:
        """Number of weights, from the headers of their files."""
        return sum(_count(header) for header in map(self._header, self.weights))

    def _header(self, path: Path) -> dict[str, Any]:
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header: dict[str, Any] = json.loads(file.read(min(length, _LONGEST_HEADER)))
        except (struct.error, ValueError, OSError) as error:
            self.refuse(f"{path.name} is no whole safetensors file ({error})", "save the model again with save_pretrained")
        return header

    @cached_property
    def length_limit(self) -> int | None:
        """Tokens that the model can take, as far as its files say."""
        told = (self.config.get("max_position_embeddings"), self._json("tokenizer_config.json").get("model_max_length"))
        limits = [int(limit) for limit in told if isinstance(limit, (int, float)) and 0 < limit < _NO_LIMIT]
        return min(limits, default=None)

    def classes(self, labels: frozenset[str]) -> tuple[str, ...]:
        """Class labels by index. A model without names for them takes the numbers that the data's `labels` are."""
        names = self._class_names()
        numbers = tuple(match[1] for name in names if (match := _UNNAMED.fullmatch(name)))
        return numbers if len(numbers) == len(names) and labels <= set(numbers) else names

    def _class_names(self) -> tuple[str, ...]:
        named = self.config.get("id2label") or {str(i): f"LABEL_{i}" for i in range(2)}  # transformers' own default
        remedy = "give every output of the model, from 0 on, a name of its own in config.json"
        if not isinstance(named, dict) or set(named) != {str(i) for i in range(len(named))}:
            self.refuse("id2label in config.json does not number the classes from 0 on", remedy)
        names = [named[str(i)] for i in range(len(named))]
        if None in names or len({str(name) for name in names}) < len(names):
            self.refuse(f"id2label in config.json names its classes {', '.join(map(str, names[:6]))}", remedy)
        return tuple(map(str, names))


def _count(header: dict[str, Any]) -> int:
    return sum(math.prod(one["shape"]) for name, one in header.items() if name != "__metadata__" and one["dtype"] in _FLOATS)
