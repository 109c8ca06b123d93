"""What lies in the folder of a transformers model, and what may not: then exactly these files are what is run."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.candidates.folder import ModelFolder

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


def files(folder: Path) -> list[Path]:
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
    for file in files(folder.path):
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
