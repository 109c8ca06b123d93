"""A model's folder is exactly what is run: nothing in it is left out without a word, and nothing outside it is read."""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from audit.candidates import loading
from audit.candidates.folder import ModelFolder, model_files
from audit.candidates.loading import load_classifier, load_encoder
from audit.candidates.transformers import TextClassifier
from audit.errors import CandidateError, InputError
from tests.tiny_bert import hub
from tests.tiny_models import model, words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.full
CLASSES = ("other", "urgent")
TEXTS = ["please hurry", "never", "the bank letter now " * 3]


def opened(folder: Path) -> TextClassifier:
    return TextClassifier(ModelFolder(folder), CLASSES)


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model(tmp_path_factory.mktemp("bert") / "m", "Bert")


@pytest.fixture
def copy(bert: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bert, tmp_path / "m")


def change(path: Path, **keys: object) -> None:
    path.write_text(json.dumps((json.loads(path.read_text()) if path.is_file() else {}) | keys))


def config(**keys: object) -> Callable[[Path], None]:
    return lambda folder: change(folder / "config.json", **keys)


def tokenizer(**keys: object) -> Callable[[Path], None]:
    return lambda folder: change(folder / "tokenizer_config.json", **keys)


def file(name: str, **keys: object) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        change(folder / name, **keys)

    return write


MINE = "modeling_mine.Mine"
REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "adapter": (
        file("adapter_config.json", r=8),
        r"holds an adapter \(adapter_config\.json\), which is not applied: merge the adapter",
    ),
    "adapter in a folder": (file("better/adapter_config.json", r=8), r"holds an adapter \(better/adapter_config\.json\)"),
    "adapter weights alone": (file("adapter_model.safetensors"), r"holds an adapter \(adapter_model\.safetensors\)"),
    "code": (config(auto_map={"AutoModelForSequenceClassification": MINE}), r"auto_map in config\.json names code .*modeling_mine\.Mine"),
    "code of a configuration": (config(auto_map={"AutoConfig": MINE}), "names code of its own"),
    "code of a part": (config(text_config={"auto_map": {"AutoModel": MINE}}), "names code of its own"),
    "code of a pipeline": (config(custom_pipelines={"text-classification": {"impl": MINE}}), "custom_pipelines in config"),
    "code of a tokenizer": (tokenizer(auto_map={"AutoTokenizer": [None, MINE]}), r"auto_map in tokenizer_config\.json names code"),
    "weights of another name": (config(transformers_weights="../other.safetensors"), "transformers_weights in config"),
    "vocabulary elsewhere": (
        tokenizer(vocab_file="/elsewhere/vocab.txt"),
        r"vocab_file in tokenizer_config\.json names /elsewhere/",
    ),
    "vocabulary where the command runs": (tokenizer(tokenizer_file="tokenizer.json"), r"tokenizer_file .* names tokenizer\.json"),
    "tokenizer above": (tokenizer(fast_tokenizer_files=["../tokenizer.9.0.0.json"]), "fast_tokenizer_files"),
    "dictionary elsewhere": (tokenizer(mecab_kwargs={"mecab_dic": "/elsewhere/dictionary"}), "mecab_dic"),
    "unknown class": (
        config(architectures=["MineForSequenceClassification"]),
        "the class MineForSequenceClassification, and transformers",
    ),
    "another class": (config(architectures=["RobertaForSequenceClassification"]), "transformers loads BertForSequenceClassification"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_be_run_is_refused(copy: Path, name: str) -> None:
    """An adapter, code, or a file elsewhere: the model that its owner runs is another one."""
    changed, told = REFUSED[name]
    changed(copy)
    with pytest.raises(CandidateError, match=told):
        opened(copy).score_texts(TEXTS)


def test_notes_on_where_files_came_from_are_harmless(copy: Path) -> None:
    """Published folders carry them; nothing is read from there."""
    expected = opened(copy).score_texts(TEXTS)
    tokenizer(special_tokens_map_file="/root/.cache/map.json", name_or_path="/root/model", vocab_file=None)(copy)
    assert np.array_equal(opened(copy).score_texts(TEXTS), expected)


def test_weights_that_the_class_does_not_use_are_refused(copy: Path) -> None:
    """Adapter weights beside the model's own, a further layer, a second head."""
    from safetensors.torch import load_file, save_file

    whole = load_file(copy / "model.safetensors")
    layer = "bert.encoder.layer.0.attention.self.query.weight"
    for name in ("bert.encoder.layer.0.attention.self.query.lora_A.weight", layer.replace("0", "1"), "second.weight"):
        save_file(whole | {name: whole[layer].clone()}, copy / "model.safetensors", {"format": "pt"})
        with pytest.raises(CandidateError, match=f"has weights that BertForSequenceClassification does not use \\({name}\\)"):
            opened(copy).score_texts(TEXTS)


@pytest.mark.parametrize(("kind", "name"), [("Bert", "bert.embeddings.position_ids"), ("GPT2", "transformer.h.0.attn.masked_bias")])
def test_constants_of_older_releases_are_no_weights(tmp_path: Path, kind: str, name: str) -> None:
    """Many published folders hold them beside the weights."""
    import torch
    from safetensors.torch import load_file, save_file

    folder = model(tmp_path / "m", kind)
    whole = load_file(folder / "model.safetensors")
    save_file(whole | {name: torch.arange(64)[None]}, folder / "model.safetensors", {"format": "pt"})
    assert load_classifier(ModelFolder(folder), 2).model


def test_of_a_base_only_its_head_is_left_out(copy: Path, tmp_path: Path) -> None:
    """The head that it was pretrained with is of no use to an encoder; a layer is."""
    from safetensors.torch import load_file, save_file

    assert load_encoder(ModelFolder(model(tmp_path / "masked", "Bert", head="ForMaskedLM"))).model
    assert load_encoder(ModelFolder(model(tmp_path / "whole", "Bert", head="ForPreTraining"))).model
    for folder in (copy, model(tmp_path / "bare", "Bert", head="Model")):
        whole = load_file(folder / "model.safetensors")
        (layer,) = (name for name in whole if name.endswith("layer.0.output.dense.weight"))
        save_file(whole | {layer.replace("0", "1"): whole[layer].clone()}, folder / "model.safetensors", {"format": "pt"})
        with pytest.raises(CandidateError, match=r"has weights that BertModel does not use \(.*layer\.1\.output"):
            load_encoder(ModelFolder(folder))


def split(folder: Path, names: tuple[str, str], *, below: str = "") -> None:
    """The weights in two files with an index."""
    from safetensors.torch import load_file, save_file

    whole = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    keys = sorted(whole)
    parts = {names[0]: keys[::2], names[1]: keys[1::2]}
    for name, part in parts.items():
        (folder / below / name).parent.mkdir(exist_ok=True)
        save_file({key: whole[key] for key in part}, folder / below / name, {"format": "pt"})
    placed = {key: name if not below else f"{below}/{name}" for name, part in parts.items() for key in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placed}))


def test_weights_in_parts(copy: Path, bert: Path) -> None:
    """Those that the index names are opened and counted, and each is part of the digest."""
    split(copy, ("a.safetensors", "b.safetensors"))
    found = ModelFolder(copy)
    assert [path.name for path in found.weights] == ["a.safetensors", "b.safetensors"]
    assert found.parameters == ModelFolder(bert).parameters
    np.testing.assert_array_equal(opened(copy).score_texts(TEXTS), opened(bert).score_texts(TEXTS))
    (copy / "b.safetensors").unlink()
    with pytest.raises(CandidateError, match=r"index\.json names b\.safetensors, which is not there"):
        ModelFolder(copy)


@pytest.mark.parametrize("below", ["parts", "..", "absolute"])
def test_weights_elsewhere_are_refused(copy: Path, tmp_path: Path, below: str) -> None:
    """An index may name files anywhere; only those beside it are the folder's."""
    place = str(tmp_path / "other") if below == "absolute" else below
    split(copy, ("a.safetensors", "b.safetensors"), below=place)
    with pytest.raises(CandidateError, match=r"index\.json names .*a\.safetensors, which leads out of the folder: put every part beside"):
        ModelFolder(copy)


def test_weights_under_another_name_are_refused(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "weights.safetensors")
    with pytest.raises(CandidateError, match=r"has weights as weights\.safetensors, which is not opened: name the file model"):
        ModelFolder(copy)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        *(("bpe.codes", True), ("additional/vocab.bin", True), ("README.md", False), (".cache/download.json", False)),
        *(("training.json", False), ("checkpoint-500/model.safetensors", False)),
    ],
)
def test_the_digest_covers_every_file_that_may_be_opened(copy: Path, name: str, *, counts: bool) -> None:
    """Sub-folders and files of any name included; documents, hidden files and our own records are not opened."""
    before = ModelFolder(copy).sha256
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_bytes(b"new")
    assert (ModelFolder(copy).sha256 != before) is counts


def test_every_file_that_is_opened_is_in_the_digest(copy: Path) -> None:
    """As Python sees it: whatever the libraries open below the folder."""
    (copy / "vocab.txt").write_text("now\nsoon\n")
    seen: set[Path] = set()
    watching = [True]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching[0] and event == "open" and str(arguments[0]).startswith(str(copy)):
            seen.add(copy.__class__(str(arguments[0])))

    sys.addaudithook(watch)  # stays for the process, and is deaf afterwards
    try:
        opened(copy).score_texts(TEXTS)
    finally:
        watching[0] = False
    assert {path.name for path in seen} >= {"config.json", "tokenizer_config.json"}
    assert seen <= set(model_files(copy))


def test_a_folder_that_changes_while_it_is_loaded_is_refused(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is taken again: the recorded one is that of the very weights that are run."""
    folder, read = ModelFolder(copy), hub.AutoModelForSequenceClassification.from_pretrained

    def meanwhile(*places: Any, **settings: Any) -> Any:
        made = read(*places, **settings)
        (copy / "model.safetensors").write_bytes((copy / "model.safetensors").read_bytes() + b" ")
        return made

    monkeypatch.setattr(hub.AutoModelForSequenceClassification, "from_pretrained", meanwhile)
    with pytest.raises(CandidateError, match="was changed while it was loaded: run again"):
        load_classifier(folder, 2)


def test_loaded_weights_do_not_follow_their_file(copy: Path) -> None:
    """What is written into the file later does not reach the model that runs."""
    loaded = load_classifier(ModelFolder(copy), 2)
    before = [weight.detach().clone() for weight in loaded.model.parameters()]
    with (copy / "model.safetensors").open("r+b") as weights:
        weights.seek(4096)
        weights.write(b"\x11" * 8192)
    assert all((weight == same).all() for weight, same in zip(loaded.model.parameters(), before, strict=True))


def test_no_adapter_is_consulted(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where one is applied behind our back."""
    monkeypatch.setattr(hub.BertForSequenceClassification, "_hf_peft_config_loaded", True)
    with pytest.raises(CandidateError, match="is loaded with an adapter: merge the adapter first"):
        loading.load_classifier(ModelFolder(copy), 2)


def test_a_tokenizer_that_breaks_is_the_users_to_mend(copy: Path) -> None:
    """Whatever a library raises on it."""
    (copy / "tokenizer.json").write_text(json.dumps({"model": {"type": "None of those"}}))
    with pytest.raises(CandidateError, match=r"cannot be loaded \(.*\): save the model and its tokenizer again"):
        opened(copy).score_texts(TEXTS)
    words().save_pretrained(copy)
    assert opened(copy).score_texts(TEXTS).shape == (3, 2)


def test_cut_weights_are_refused(bert: Path, tmp_path: Path) -> None:
    """Whether the header is cut or the numbers are."""
    whole = (bert / "model.safetensors").read_bytes()
    for name, kept in (("numbers", len(whole) - 100), ("header", 100), ("nothing", 3)):
        shutil.copytree(bert, tmp_path / name)
        (tmp_path / name / "model.safetensors").write_bytes(whole[:kept])
        told = "cannot be loaded" if name == "numbers" else r"model\.safetensors is no whole safetensors file"
        with pytest.raises(InputError, match=told):
            opened(tmp_path / name).score_texts(["now"])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.txt", "chat/one.jinja", "more"])
def test_a_file_that_leads_out_of_the_folder_is_refused(bert: Path, tmp_path: Path, name: str) -> None:
    """It would be read from where the policy does not allow."""
    shutil.copytree(bert, tmp_path / "m")
    shutil.copytree(bert, tmp_path / "other")
    link = tmp_path / "m" / name
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(tmp_path / "other" / name)
    with pytest.raises(InputError, match=f"{name} leads out of the folder: copy the file in its place"):
        ModelFolder(tmp_path / "m")


def test_links_inside_are_followed(bert: Path, tmp_path: Path) -> None:
    """Inside the folder, from a link to the folder, and as Hugging Face's cache keeps files: under the same repository only."""
    (tmp_path / "link").symlink_to(shutil.copytree(bert, tmp_path / "m"))
    (tmp_path / "m" / "again.json").symlink_to("config.json")
    assert ModelFolder(tmp_path / "link").parameters
    repository = tmp_path / "models--org--m"
    snapshot = repository / "snapshots" / "1a2b"
    shutil.copytree(bert, repository / "blobs")
    snapshot.mkdir(parents=True)
    for file in (repository / "blobs").iterdir():
        (snapshot / file.name).symlink_to(f"../../blobs/{file.name}")
    assert ModelFolder(snapshot).sha256 == ModelFolder(bert).sha256
    (snapshot / "more.json").symlink_to(tmp_path / "m" / "config.json")
    with pytest.raises(InputError, match=r"more\.json leads out"):
        ModelFolder(snapshot)
