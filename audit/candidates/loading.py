"""Models loaded by transformers: from their folder alone, in safetensors format, without running code that lies in it."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

from audit.errors import MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import torch

    from audit.candidates.folder import ModelFolder

SAFE = {"local_files_only": True, "trust_remote_code": False}
"""How every model and tokenizer is loaded."""
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")
_OLD_CONSTANTS = (".attn.masked_bias",)
"""Constants that older releases of transformers stored with the weights; newer ones no longer know them all."""
AutoClass: TypeAlias = Literal["AutoModel", "AutoModelForSequenceClassification", "AutoModelForMaskedLM"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to be run."""

    model: Any
    tokenizer: Any
    device: torch.device


@dataclass(frozen=True, slots=True)
class Files:
    """What transformers made of a folder."""

    model: Any
    tokenizer: Any
    missing: tuple[str, ...]
    """Weights that the files lack or have in another shape: they are random."""
    unexpected: tuple[str, ...]
    """Weights in the files that the model does not use."""

    def ready(self) -> Loaded:
        """In full precision on the GPU, where there is one, to be asked and not trained."""
        torch, _ = libraries()
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return Loaded(self.model.float().eval().to(device), self.tokenizer, device)


def read_files(folder: ModelFolder, auto: AutoClass, **settings: Any) -> Files:
    """Tokenizer and model. What cannot be loaded, or changes meanwhile, is refused."""
    _, transformers = libraries()
    _ = folder.sha256  # computed before any file is opened, for the comparison below
    tokenizer = read_tokenizer(folder)
    with _opening(folder):
        model, info = getattr(transformers, auto).from_pretrained(
            folder.path, use_safetensors=True, output_loading_info=True, **settings, **SAFE
        )
    for tensor in (*model.parameters(), *model.buffers()):
        tensor.data = tensor.data.clone()  # until now it may be the file itself, mapped into memory, and change with it
    folder.refuse_changed()
    if getattr(model, "_hf_peft_config_loaded", False):
        folder.refuse("is loaded with an adapter", "merge the adapter first and save the merged model")
    if folder.architecture and not hasattr(transformers, folder.architecture):
        _refuse_class(folder, type(model).__name__)
    unexpected = [name for name in _names(info["unexpected_keys"]) if not name.endswith(_OLD_CONSTANTS)]
    return Files(model, tokenizer, _names((*info["missing_keys"], *info["mismatched_keys"])), tuple(unexpected))


def read_tokenizer(folder: ModelFolder) -> Any:
    """The folder's tokenizer alone."""
    _, transformers = libraries()
    with _opening(folder):
        return transformers.AutoTokenizer.from_pretrained(folder.path, **SAFE)


@contextmanager
def _opening(folder: ModelFolder) -> Iterator[None]:
    with quiet():
        try:
            yield
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  # libraries raise what they will on files that do not belong together
            _refuse_load(folder, short(error), error)


def load_classifier(folder: ModelFolder, classes: int) -> Loaded:
    """Model and tokenizer on the GPU, where there is one. What the files lack would be random, what is left over would be missing."""
    files = read_files(folder, "AutoModelForSequenceClassification")
    if files.missing:
        _refuse_load(folder, f"no weights for {', '.join(files.missing[:3])}")
    if files.unexpected:
        what = f"has weights that {type(files.model).__name__} does not use ({', '.join(files.unexpected[:3])})"
        folder.refuse(what, "it is another model than config.json says: save it again with the class that it was trained with")
    if type(files.model).__name__ != folder.architecture:
        _refuse_class(folder, type(files.model).__name__)
    if files.model.config.num_labels != classes:
        _refuse_load(folder, f"its head has {files.model.config.num_labels} outputs for {classes} classes")
    return files.ready()


def load_encoder(folder: ModelFolder) -> Loaded:
    """The encoder alone, and its tokenizer. Only a pooler, which no embedding reads, may lack its weights."""
    files = read_files(folder, "AutoModel")
    if lost := [name for name in files.missing if "pooler." not in name]:
        _refuse_load(folder, f"no weights for {', '.join(lost[:3])}")
    refuse_unused_layers(folder, files)
    return files.ready()


def refuse_unused_layers(folder: ModelFolder, files: Files) -> None:
    """Of a base model only the head that it was pretrained with, and a pooler, may be left out."""
    prefix = f"{files.model.base_model_prefix}."
    encoder = {name.split(".")[0] for name in files.model.base_model.state_dict()}
    unused = [name for name in files.unexpected if name.startswith(prefix) or name.split(".")[0] in encoder]
    if unused := [name for name in unused if "pooler." not in name]:
        folder.refuse(
            f"has weights that {type(files.model).__name__} does not use ({', '.join(unused[:3])})",
            "its config.json and its weights do not match: save it again",
        )


def refuse_strange_tokens(folder: ModelFolder, model: Any, rows: Sequence[Sequence[int]]) -> None:
    """A token without an embedding: the tokenizer is another model's, or grew after the training."""
    known = int(model.get_input_embeddings().num_embeddings)
    largest = max((max(ids, default=0) for ids in rows), default=0)
    if largest >= known:
        folder.refuse(f"its tokenizer gives token {largest}, and the model knows {known}", "save the tokenizer that it was trained with")


def inputs_of(model: Any) -> frozenset[str]:
    """Names of the inputs that the model's forward takes, as transformers' Trainer tells them: others are left out."""
    return frozenset(inspect.signature(model.forward).parameters)


def short(error: BaseException) -> str:
    """An error of a library in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _refuse_class(folder: ModelFolder, loaded: str) -> NoReturn:
    what = f"config.json names the class {folder.architecture}, and transformers loads {loaded}"
    folder.refuse(what, "save the model with a class of transformers, or score the rows yourself and load them with kind predictions")


def _refuse_load(folder: ModelFolder, what: str, cause: BaseException | None = None) -> NoReturn:
    try:
        folder.refuse(f"cannot be loaded ({what})", "save the model and its tokenizer again with save_pretrained")
    except Exception as error:  # what `refuse` raises, with its cause beside it
        raise error from cause


def _names(keys: Iterable[Any]) -> tuple[str, ...]:
    """Names of weights in order; a key of another shape comes with both shapes."""
    return tuple(sorted({key if isinstance(key, str) else str(key[0]) for key in keys}))


def libraries() -> tuple[Any, Any]:
    """The modules torch and transformers."""
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        part = "a text model's library"
        raise MissingExtra(part, "text") from error
    return torch, transformers


@contextmanager
def quiet() -> Iterator[None]:
    """Without transformers' remarks on loading: what matters in them is checked."""
    from transformers import logging as told

    logging: Any = told  # published without types
    before = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
