"""The folder of a transformers model, read without torch: what is in it, how it is named, whether it is safe to load.

Exactly these files are run: an adapter, code of its own or a file elsewhere is refused.
"""

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
from typing import TYPE_CHECKING, Any, NoReturn

from audit import disk_cache
from audit.errors import CandidateError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "spm.model")
_UNNAMED = re.compile(r"LABEL_(\d+)")
_LONGEST_HEADER = 100_000_000
"""Bytes, as the format says."""
_NO_LIMIT = 10**9
"""Tokenizers write 1e30 for "none"."""
_FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")
"""Keys of config.json under which the architectures name the positions that they know."""
_POSITION_TABLES = ("position_embeddings.weight", "wpe.weight", "positions_embed.weight")
_FROM_PADDING = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "roberta-prelayernorm", "camembert", "longformer", "mpnet", "ibert", "data2vec-text"}
    | {"xmod", "luke", "mluke", "esm", "markuplm", "layoutlmv3", "lilt"}
)
"""Model types that count positions from behind the padding token's number: their first positions are never used."""


@dataclass(frozen=True)
class ModelFolder:
    """A folder with `config.json`, weights in safetensors format and a tokenizer."""

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            self.refuse("there is no such folder", "name the folder that holds the model's config.json")
        refuse_links_outside(self)
        refuse_parts_not_run(self)
        if not (self.path / "config.json").is_file():
            self.refuse("has no config.json", "save the model with save_pretrained")
        _ = self.weights
        if not any((self.path / name).is_file() for name in _TOKENIZERS):
            self.refuse("has no tokenizer", "save the tokenizer into it with save_pretrained")
        if (self.path / "tokenizer.json").is_file() and not self.json("tokenizer.json").get("model"):
            self.refuse("tokenizer.json holds no tokenizer", "save the tokenizer again with save_pretrained")

    def refuse(self, what: str, remedy: str) -> NoReturn:
        """The folder cannot be used."""
        msg = f"{self.path}: {what}: {remedy}"
        raise CandidateError(msg)

    @cached_property
    def weights(self) -> tuple[Path, ...]:
        """The weight files that are opened, in the order of their names."""
        return weight_files(self)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The model's configuration, as JSON."""
        return self.json("config.json")

    def json(self, name: str) -> dict[str, Any]:
        """One of its files; empty where it is not there."""
        path = self.path / name
        try:
            found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except (ValueError, RecursionError) as error:
            msg = f"{path}: not JSON ({error}): save the model again"
            raise InputError(msg) from error
        return found if isinstance(found, dict) else {}

    @cached_property
    def sha256(self) -> str:
        """Digest over the names and digests of all files that can determine outputs, in name order."""
        return self._digest()

    def refuse_changed(self) -> None:
        """Taken again after loading: the files that were loaded are those whose digest is recorded."""
        if self._digest() != self.sha256:
            self.refuse("was changed while it was loaded", "run again when nothing writes to it any more")

    def _digest(self) -> str:
        names = [(file, file.relative_to(self.path).as_posix()) for file in model_files(self.path)]
        lines = "".join(f"{disk_cache.digest(file)}  {name}\n" for file, name in names)
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights alone."""
        digests = [disk_cache.digest(path) for path in self.weights]
        return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()

    @cached_property
    def parameters(self) -> int:
        """Number of weights, from the headers of their files."""
        return sum(math.prod(one["shape"]) for one in self.tensors.values() if one["dtype"] in _FLOATS)

    @cached_property
    def tensors(self) -> dict[str, dict[str, Any]]:
        """The type and shape of every tensor by its name, from the headers of the weight files."""
        return {name: one for path in self.weights for name, one in self._header(path).items() if name != "__metadata__"}

    def _header(self, path: Path) -> dict[str, Any]:
        try:
            with path.open("rb") as file:
                (length,) = struct.unpack("<Q", file.read(8))
                header: object = json.loads(file.read(min(length, _LONGEST_HEADER)))
        except (struct.error, ValueError, OSError) as error:
            self.refuse(f"{path.name} is no whole safetensors file ({error})", "save the model again with save_pretrained")
        entries = header if isinstance(header, dict) else {}
        whole = all(name == "__metadata__" or (isinstance(one, dict) and {"dtype", "shape"} <= one.keys()) for name, one in entries.items())
        if not entries or not whole:
            what = f"{path.name} is no whole safetensors file (its header lists no tensors)"
            self.refuse(what, "save the model again with save_pretrained")
        return entries

    @cached_property
    def architecture(self) -> str:
        """The class that the model was saved from; empty where config.json names none."""
        named = self.config.get("architectures")
        return str(named[0]) if isinstance(named, list) and named else ""

    @cached_property
    def positions(self) -> int | None:
        """Tokens that the model can take at most, as far as its files say; one more and it fails."""
        nested = self.config.get("text_config")
        named = [place.get(key) for place in (self.config, nested) if isinstance(place, dict) for key in _POSITIONS]
        tables = [one["shape"][0] for name, one in self.tensors.items() if name.endswith(_POSITION_TABLES) and one["shape"]]
        known = [limit for limit in map(_limit, (*named, *tables)) if limit is not None]
        if not known:
            return None
        padding = self.config.get("pad_token_id", 1)
        first = max(int(padding) + 1, 2) if self.config.get("model_type") in _FROM_PADDING and isinstance(padding, int) else 0
        return max(1, min(known) - first)

    @cached_property
    def length_limit(self) -> int | None:
        """Tokens at which texts are cut where the policy names no length: what the model can take and its tokenizer allows."""
        allowed = self.json("tokenizer_config.json").get("model_max_length")
        limits = [limit for limit in (self.positions, _limit(allowed)) if limit is not None]
        return min(limits, default=None)

    def cut_length(self, named: int | None, key: str | None = None) -> int | None:
        """Tokens at which texts are cut: those that the policy names under a key, else the limit. More than the model takes is refused."""
        if named is None:
            return self.length_limit
        if key is not None and self.positions is not None and named > self.positions:
            msg = f"{key}: {named} is more than the {self.positions} tokens that {self.path} can take: lower it"
            raise InputError(msg)
        return min(named, self.positions or named)

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


def _limit(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < _NO_LIMIT else None


_NOT_READ = frozenset({"training.json", "sealed", "LICENSE", "LICENSE.txt", "NOTICE"})
"""Files that no library opens; `training.json` and `sealed` are written beside a model by fine-tuning."""
_CHECKPOINT = re.compile(r"checkpoint-\d+")
"""Folders in which a training keeps its states, each a model of its own."""
_ADAPTERS = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin")
_INDEX = "model.safetensors.index.json"
_PATH_KEYS = ("_file", "_files", "_path", "_paths", "_dir", "_dic")
"""Endings of keys of tokenizer_config.json whose values are opened as files."""
_NOT_OPENED = frozenset({"name_or_path", "special_tokens_map_file", "cache_dir"})
"""Keys with such an ending that record where a tokenizer came from, and are not followed."""
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.h5", "*.msgpack")


def model_files(folder: Path) -> list[Path]:
    """All files that can determine outputs, sub-folders included: all but hidden ones, documents, checkpoints and our own records."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and _is_read(path.relative_to(folder)))


def _is_read(name: Path) -> bool:
    if any(part.startswith(".") for part in name.parts) or _CHECKPOINT.fullmatch(name.parts[0]):
        return False
    return name.name not in _NOT_READ and name.suffix != ".md"


def weight_files(folder: ModelFolder) -> tuple[Path, ...]:
    """The files that the weights are loaded from: `model.safetensors`, else the parts that its index names."""
    whole = folder.path / "model.safetensors"
    if whole.is_file():
        return (whole,)
    if not (folder.path / _INDEX).is_file():
        _refuse_without_weights(folder)
    return _parts(folder)


def _refuse_without_weights(folder: ModelFolder) -> NoReturn:
    if other := sorted(path.name for path in folder.path.glob("*.safetensors")):
        folder.refuse(f"has weights as {other[0]}, which is not opened", "name the file model.safetensors")
    if any(found for pattern in _PICKLES for found in folder.path.glob(pattern)):
        remedy = "on a machine that may run them, load and save_pretrained(..., safe_serialization=True)"
        folder.refuse("has weights as a pickle only, which can run any code when it is loaded", remedy)
    folder.refuse("has no weights (*.safetensors)", "save the model with save_pretrained")


def _parts(folder: ModelFolder) -> tuple[Path, ...]:
    weights = folder.json(_INDEX).get("weight_map")
    if not isinstance(weights, dict) or not weights:
        folder.refuse(f"{_INDEX} names no weights", "save the model again with save_pretrained")
    names = sorted({str(name) for name in weights.values()})
    for name in names:
        if Path(name).name != name or name.startswith("."):
            folder.refuse(f"{_INDEX} names {name}, which leads out of the folder", "put every part beside the index")
        if not (folder.path / name).is_file():
            folder.refuse(f"{_INDEX} names {name}, which is not there", "copy the whole model")
    return tuple(folder.path / name for name in names)


def refuse_links_outside(folder: ModelFolder) -> None:
    """Files by which a model is read lie in its folder, or, in a cache of Hugging Face, under the same repository."""
    root = folder.path.resolve()
    if root.parent.name == "snapshots" and root.parent.parent.name.startswith("models--"):
        root = root.parent.parent
    for file in sorted(folder.path.rglob("*")):
        if not Path(os.path.realpath(file)).is_relative_to(root):
            folder.refuse(f"{file.relative_to(folder.path)} leads out of the folder", "copy the file in its place")


def refuse_parts_not_run(folder: ModelFolder) -> None:
    """An adapter that is not applied, code that is not run, and files elsewhere: the model would be another one."""
    for file in model_files(folder.path):
        if file.name in _ADAPTERS:
            what = f"holds an adapter ({file.relative_to(folder.path)}), which is not applied"
            folder.refuse(what, "merge the adapter first (merge_and_unload() in peft) and save the merged model without it")
    for name in ("config.json", "tokenizer_config.json"):
        for key, value in _entries(folder.json(name)):
            if key in {"auto_map", "custom_pipelines"} and value:
                what = f"{key} in {name} names code of its own ({_first_text(value)}), which is not run"
                remedy = "save the model with a class of transformers, or score the rows yourself and load them with kind predictions"
                folder.refuse(what, remedy)
    if explicit := folder.config.get("transformers_weights"):
        folder.refuse(f"transformers_weights in config.json names {explicit}", "name the file model.safetensors and take the key out")
    _refuse_vocabulary_elsewhere(folder)


def _refuse_vocabulary_elsewhere(folder: ModelFolder) -> None:
    """The tokenizer is read from the folder; a file that its configuration names would be opened in its place."""
    for key, value in _entries(folder.json("tokenizer_config.json")):
        if not key.endswith(_PATH_KEYS) or key in _NOT_OPENED:
            continue
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and (key != "fast_tokenizer_files" or Path(name).name != name):
                what = f"{key} in tokenizer_config.json names {name}, a file that need not be the folder's"
                folder.refuse(what, "take the key out and put the file into the folder")


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key), inner
            yield from _entries(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner)


def _first_text(value: Any) -> str:
    while isinstance(value, (dict, list)) and value:
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
    return json.dumps(value)
