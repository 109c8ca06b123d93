"""Models loaded by transformers: from their folder alone, in safetensors format, without running code that lies in it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from audit.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from audit.candidates.folder import ModelFolder

SAFE = {"local_files_only": True, "trust_remote_code": False}
"""How every model and tokenizer is loaded."""
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to be asked."""

    model: Any
    tokenizer: Any
    device: torch.device


def _refuse_load(folder: ModelFolder, what: str) -> NoReturn:
    msg = f"{folder.path}: cannot be loaded ({what}): save the model and its tokenizer again with save_pretrained"
    raise InputError(msg)


def load_classifier(folder: ModelFolder, classes: int) -> Loaded:
    """Model and tokenizer on the GPU, where there is one. Weights that the files lack would be random: refused."""
    torch, transformers = libraries()
    with quiet():
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder.path, **SAFE)
            model, told = transformers.AutoModelForSequenceClassification.from_pretrained(
                folder.path, use_safetensors=True, output_loading_info=True, **SAFE
            )
        except broken() as error:
            _refuse_load(folder, " ".join(str(error).split())[:300])
    if told["missing_keys"]:
        _refuse_load(folder, f"no weights for {', '.join(sorted(told['missing_keys'])[:3])}")
    refuse_unpadded(folder, tokenizer)
    if model.config.num_labels != classes:
        _refuse_load(folder, f"its head has {model.config.num_labels} outputs for {classes} classes")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Loaded(model.float().eval().to(device), tokenizer, device)


def load_encoder(folder: ModelFolder) -> Loaded:
    """The encoder alone, and its tokenizer. Only a pooler, which no embedding reads, may lack its weights."""
    torch, transformers = libraries()
    with quiet():
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder.path, **SAFE)
            model, told = transformers.AutoModel.from_pretrained(folder.path, use_safetensors=True, output_loading_info=True, **SAFE)
        except broken() as error:
            _refuse_load(folder, " ".join(str(error).split())[:300])
    if lost := sorted(key for key in told["missing_keys"] if "pooler." not in key):
        _refuse_load(folder, f"no weights for {', '.join(lost[:3])}")
    refuse_unpadded(folder, tokenizer)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Loaded(model.float().eval().to(device), tokenizer, device)


def refuse_unpadded(folder: ModelFolder, tokenizer: Any) -> None:
    """Texts of unlike length make no batch without a token to fill them up."""
    if tokenizer.pad_token is None:
        folder.refuse("its tokenizer has no padding token", "set one and save the tokenizer again")


def refuse_strange_tokens(folder: ModelFolder, model: Any, rows: Sequence[Sequence[int]]) -> None:
    """A token without an embedding: the tokenizer is another model's, or grew after the training."""
    known = int(model.get_input_embeddings().num_embeddings)
    largest = max((max(ids, default=0) for ids in rows), default=0)
    if largest >= known:
        folder.refuse(f"its tokenizer gives token {largest}, and the model knows {known}", "save the tokenizer that it was trained with")


def broken() -> tuple[type[Exception], ...]:
    """What comes of a folder whose files do not belong together, or are cut."""
    from safetensors import SafetensorError

    return (OSError, ValueError, RuntimeError, ImportError, SafetensorError)


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
