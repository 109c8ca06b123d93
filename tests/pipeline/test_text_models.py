"""`audit validate` and `audit run` with text models of other kinds: each is run, or refused at its line before anything is trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from audit.commands import validate as validate_command
from audit.errors import PolicyError
from audit.pipeline.compatibility import load_policy
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from tests.running import policy
from tests.tiny_bert import letters
from tests.tiny_models import model, one_by_one, words

if TYPE_CHECKING:
    from audit.pipeline.run import Outcome

pytestmark = pytest.mark.full
TUNED = {"fine_tune": {"base": "base", "epochs": 1, "learning_rate": 1e-2}}
LOADED = {"load": {"kind": "transformers", "path": "base"}}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", "cache")
    for seed, role in enumerate(("train", "test"), 1):
        letters(60, seed, role).cells.frame().to_csv(f"{role}.csv", index=False)


def written(candidate: dict[str, Any], **more: Any) -> Path:
    made = policy({"check": "performance/accuracy", "min": 0.2}, columns={"text": "text", "label": "label"}, **more)
    made["candidate"] = {"task": "text-classification", **candidate}
    made["datasets"] = {role: {"path": f"{role}.csv"} for role in ("train", "test")}
    Path("policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    return Path("policy.yaml")


def run(candidate: dict[str, Any], **more: Any) -> Outcome:
    return audit_policy(written(candidate, **more), Options(Path("reports"), "audit run policy.yaml"), Silent())


def validated(candidate: dict[str, Any], **more: Any) -> list[str]:
    return list(validate_command.warnings(load_policy(written(candidate, **more), allow_outside=False)))


@pytest.mark.parametrize("kind", ["DistilBert", "GPT2"])
def test_a_base_that_reads_otherwise_than_bert_is_tuned(kind: str) -> None:
    """Without the inputs that it does not take, and with the tokenizer's padding token where its config names none."""
    config = {"pad_token_id": None} if kind == "GPT2" else {}
    model(Path("base"), kind, head="LMHeadModel" if kind == "GPT2" else "ForMaskedLM", **config)
    assert not [line for line in validated(TUNED) if "base" in line]
    assert not Path("cache/finetune").exists()
    found = run(TUNED)
    (tuned,) = Path("cache/finetune").glob("*/config.json")
    assert json.loads(tuned.read_text())["pad_token_id"] == 0
    test = letters(60, 2, "test")
    scores = one_by_one(tuned.parent, test.texts())
    headline = found.audit.findings[0].headline
    assert headline is not None
    assert headline.value == (np.array(["other", "urgent"])[scores.argmax(axis=1)] == test.labels("label")).mean()
    assert found.audit.training is not None
    assert found.audit.training.cut_texts == 0
    assert not [reason for reason in found.audit.verdict.reasons if "Padded" in reason.text or "cut" in reason.text]


def test_texts_that_were_cut_are_told_for_training_and_test() -> None:
    """On the terminal, in the results and in the report, in one sentence a data set; the record of the training counts them too."""
    model(Path("base"), "Bert")
    found = run({"fine_tune": TUNED["fine_tune"] | {"max_length": 8}})
    told = [reason.text for reason in found.audit.verdict.reasons if "were cut" in reason.text]
    assert [text.split(" of ")[0].rstrip("0123456789") for text in told] == ["datasets.train: ", "datasets.test: "]
    assert all("texts were cut at 8 tokens (the model takes 64); the longest has " in text for text in told)
    assert found.audit.training is not None
    assert found.audit.training.cut_texts > 0
    results, report = (found.place / "results.json").read_text(), (found.place / "report.html").read_text()
    assert all(text in results and text in report for text in told), told
    assert f"{found.audit.training.cut_texts} of {found.audit.training.train_rows} training texts were cut" in report


def test_how_a_loaded_champion_was_run_is_told_too() -> None:
    """It may cut texts that the candidate reads to their end."""
    model(Path("base"), "Bert")
    model(Path("champion"), "Bert", words(model_max_length=8), hidden_act="relu")
    champion = {"load": {"kind": "transformers", "path": "champion"}}
    compared = {"check": "performance/accuracy", "against": "champion", "margin": 0.5}
    found = run(LOADED, champion=champion, require=[compared])
    told = [reason.text for reason in found.audit.verdict.reasons if reason.rule == "model-remark"]
    assert len(told) == 2
    assert all("champion: datasets.t" in text and "texts were cut at 8 tokens (the model takes 64)" in text for text in told)


def adapter() -> None:
    model(Path("base"), "Bert")
    Path("base/adapter_config.json").write_text("{}")


def other_weights() -> None:
    model(Path("base"), "Bert", num_hidden_layers=2)
    text = Path("base/config.json").read_text()
    Path("base/config.json").write_text(text.replace('"num_hidden_layers": 2', '"num_hidden_layers": 1'))


def no_padding() -> None:
    model(Path("base"), "GPT2", words(pad_token=None), pad_token_id=None)


def blank_test_row() -> None:
    model(Path("base"), "GPT2", words(frame=False))
    frame = letters(60, 2, "test").cells.frame()
    frame.loc[7, "text"] = "  "
    frame.to_csv("test.csv", index=False)


def blank_training_row() -> None:
    model(Path("base"), "GPT2", words(frame=False))
    frame = letters(60, 1).cells.frame()
    frame.loc[4, "text"] = ""
    frame.to_csv("train.csv", index=False)


def padding_changes_scores() -> None:
    model(Path("base"), "FNet")


REFUSED = {
    "adapter": (adapter, (TUNED, LOADED), "holds an adapter"),
    "another model's weights": (other_weights, (TUNED, LOADED), "has weights that BertForSequenceClassification does not use"),
    "no padding token": (no_padding, (TUNED,), "neither config.json (pad_token_id) nor its tokenizer names a padding token"),
    "a row without tokens": (blank_test_row, (TUNED, LOADED), "row 8: the tokenizer gives no token"),
    "a training row without tokens": (blank_training_row, (TUNED,), "row 5: the tokenizer gives no token"),
    "padding changes scores": (padding_changes_scores, (TUNED,), "gives a text other scores in a padded batch"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_run_refuses_validate_refuses_too(name: str) -> None:
    """At the same line, in the same words, and before a step of training."""
    prepare, candidates, told = REFUSED[name]
    prepare()
    for candidate in candidates:
        with pytest.raises(PolicyError) as validated_first:
            validated(candidate)
        with pytest.raises(PolicyError) as then_run:
            run(candidate)
        assert str(validated_first.value) == str(then_run.value)
        assert told in str(then_run.value)
        assert str(then_run.value).startswith("policy.yaml:")
    assert not list(Path("cache").glob("finetune/*/"))


def test_models_that_are_not_here_are_not_opened() -> None:
    """A policy is validated where its models do not lie, as where its data do not."""
    (told,) = (line for line in validated(LOADED) if "not here" in line)
    assert told == "not here, so no model is opened: base"
    model(Path("base"), "Bert")
    champion = {"load": {"kind": "transformers", "path": "champion"}}
    assert "not here, so no model is opened: champion" in validated(LOADED, champion=champion)
    model(Path("champion"), "Bert", id2label={0: "a", 1: "b"}, label2id={"a": 0, "b": 1})
    with pytest.raises(PolicyError, match=r"champion.*knows the classes a, b"):
        validated(LOADED, champion=champion)
