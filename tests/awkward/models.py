"""Awkward models: tiny transformers with drawn weights, on rows labelled by their own answers to each text alone; scikit-learn models."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from tests.awkward.case import Case, policy
from tests.tiny_bert import WORDS, base, hub, letters, tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOADED = {"task": "text-classification", "load": {"kind": "transformers", "path": "model"}}
TEXTS = {"text": "text", "label": "label"}
EASY = {"check": "performance/accuracy", "min": 0.5}


def _written(rows: int = 120, words: tuple[int, int] = (2, 20)) -> list[str]:
    rng = np.random.default_rng(11)
    return [" ".join(rng.choice(WORDS, rng.integers(*words))) for _ in range(rows)]


def _answers(model: Any, words: Any, texts: Sequence[str], inputs: Sequence[str], longest: int) -> list[str]:
    """What the model says of each text alone, without any padding."""
    import torch

    found = []
    for text in texts:
        given = words(text, truncation=True, max_length=longest, return_tensors="pt")
        with torch.no_grad():
            found.append(model(**{name: given[name] for name in inputs}).logits[0].argmax().item())
    return [("neg", "pos")[answer] for answer in found]


def _save(folder: Path, model: Any, words: Any, texts: Sequence[str], labels: Sequence[str], **changed: Any) -> None:
    model.save_pretrained(folder / "model")
    words.save_pretrained(folder / "model")
    pd.DataFrame({"text": texts, "label": labels}).to_csv(folder / "test.csv", index=False)
    policy(folder, EASY, columns=TEXTS, candidate=LOADED, **changed)


def _labelled(kind: str, words: Any, **shape: Any) -> Any:
    """A model of two classes whose weights are drawn wide, so that its answers differ from text to text."""
    import torch
    import transformers

    names = {"id2label": {0: "neg", 1: "pos"}, "label2id": {"neg": 0, "pos": 1}}
    config = getattr(transformers, f"{kind}Config")(vocab_size=len(words), **names, **shape)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = getattr(transformers, f"{kind}ForSequenceClassification")(config).eval()
        for weight in model.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.5)
    return model


BERT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "max_position_embeddings": 64}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "bos_token_id": 3, "eos_token_id": 3}


def _bert(folder: Path, positions: int = 64, lengths: tuple[int, int] = (2, 20), longest: int = 64) -> None:
    words, texts = tokenizer([" ".join(WORDS)]), _written(words=lengths)
    words.model_max_length = positions
    model = _labelled("Bert", words, max_position_embeddings=positions, **BERT)
    _save(folder, model, words, texts, _answers(model, words, texts, ("input_ids", "token_type_ids", "attention_mask"), longest))


def _adapter(folder: Path) -> None:
    _bert(folder)
    adapter = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": 4, "lora_alpha": 8, "target_modules": ["query"]}
    (folder / "model" / "adapter_config.json").write_text(json.dumps(adapter))


def _own_class(folder: Path) -> None:
    """Code beside the model swaps its two answers."""
    _bert(folder)
    config = json.loads((folder / "model" / "config.json").read_text())
    config["auto_map"] = {"AutoModelForSequenceClassification": "modeling_mine.MineForSequenceClassification"}
    (folder / "model" / "config.json").write_text(json.dumps(config))
    (folder / "model" / "modeling_mine.py").write_text(
        "from transformers import BertForSequenceClassification as Bert\n\n\nclass MineForSequenceClassification(Bert):\n"
        "    def forward(self, **given):\n        out = super().forward(**given)\n"
        "        out.logits = out.logits.flip(-1)\n        return out\n"
    )


def _distilbert(folder: Path) -> None:
    """The tokenizer gives token types, and the model takes none."""
    words, texts = tokenizer([" ".join(WORDS)]), _written()
    model = _labelled("DistilBert", words, **DISTILBERT)
    _save(folder, model, words, texts, _answers(model, words, texts, ("input_ids", "attention_mask"), 64))


def _distilbert_base(folder: Path) -> None:
    """A base to fine-tune that takes fewer inputs than its tokenizer gives."""
    import torch

    words = tokenizer([" ".join(WORDS)])
    config = hub.DistilBertConfig(vocab_size=len(words), **DISTILBERT)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hub.DistilBertModel(config).save_pretrained(folder / "base")
    words.save_pretrained(folder / "base")
    _tuned(folder, _easy(150, 1), _easy(80, 2), epochs=4)


def _easy(rows: int, seed: int) -> pd.DataFrame:
    """Two classes that share no word."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    texts = [" ".join(rng.choice(WORDS[10 * one : 10 * one + 10], 6)) for one in label]
    return pd.DataFrame({"text": texts, "label": np.where(label, "up", "down")})


def _tuned(folder: Path, train: pd.DataFrame, test: pd.DataFrame | None = None, epochs: int = 1) -> None:
    """Write training and test rows, and a policy that fine-tunes the base on them."""
    train.to_csv(folder / "train.csv", index=False)
    (letters(80, seed=2).cells.frame() if test is None else test).to_csv(folder / "test.csv", index=False)
    candidate = {"task": "text-classification", "fine_tune": {"base": "base", "on": "train", "epochs": epochs, "learning_rate": 4e-3}}
    datasets = {name: {"path": f"{name}.csv"} for name in ("train", "test")}
    policy(folder, {"check": "performance/accuracy", "min": 0.2}, columns=TEXTS, datasets=datasets, candidate=candidate)


def _tuned_on_test(folder: Path) -> None:
    base(folder / "base")
    _tuned(folder, letters(80, seed=2).cells.frame().iloc[::-1])


def _tuned_on_shuffled(folder: Path) -> None:
    """The training file has the test rows in another order, and a column more."""
    base(folder / "base")
    shuffled = letters(80, seed=2).cells.frame().sample(frac=1, random_state=1)
    _tuned(folder, shuffled.assign(note=range(80)))


def _blanks_after_labels(folder: Path) -> None:
    base(folder / "base")
    train = letters(150, seed=1).cells.frame()
    _tuned(folder, train.assign(label=train.label + np.where(train.index % 2, " ", "")))


def _gpt2(folder: Path, lengths: tuple[int, int] = (2, 20), pad: int | None = 0, **words_changed: Any) -> None:
    """A decoder, scored at its last token; `pad` is what its config calls the pad token (the tokenizer's is 0)."""
    words, texts = tokenizer([" ".join(WORDS)]), _written(words=lengths)
    for name, value in words_changed.items():
        setattr(words, name, value)
    model = _labelled("GPT2", words, pad_token_id=pad, **GPT2)
    answers = _answers(model, words, texts, ("input_ids", "token_type_ids", "attention_mask"), 64)
    _save(folder, model, words, texts, answers)


def _fitted(folder: Path, model: Any, frame: pd.DataFrame, *require: dict[str, Any], **changed: Any) -> None:
    """Write a pickled model, the rows it is asked for, and a policy that trusts that very file."""
    import joblib

    joblib.dump(model, folder / "model.joblib")
    frame.to_csv(folder / "test.csv", index=False)
    digest = hashlib.sha256((folder / "model.joblib").read_bytes()).hexdigest()
    candidate = {"task": "tabular-classification", "load": {"kind": "sklearn", "path": "model.joblib", "sha256": digest}}
    policy(folder, *require, **({"trust": "pickle", "columns": {"label": "label", "positive": "yes"}, "candidate": candidate} | changed))


def _words(rows: int) -> tuple[list[str], list[str]]:
    texts = _written(rows, (3, 10))
    return texts, ["yes" if {"hurry", "now", "today"} & set(text.split()) else "no" for text in texts]


def _low_threshold(model: Any, threshold: float) -> Any:
    from sklearn.model_selection import FixedThresholdClassifier

    return FixedThresholdClassifier(model, threshold=threshold, pos_label="yes")


def _pipeline(*steps: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*steps)


def _attacked(folder: Path) -> None:
    """Says yes from a probability of 0.1 on: the labels are its own answers, and most of them change under attack."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts, labels = _words(400)
    model = _low_threshold(_pipeline(TfidfVectorizer(), LogisticRegression()), 0.1).fit(texts, labels)
    frame = pd.DataFrame({"text": texts[:120], "label": model.predict(texts[:120])})
    _text_model(folder, model, frame, {"check": "robustness/deepwordbug_gao_2018", "min": 0.9, "examples": 120})


def _text_model(folder: Path, model: Any, frame: pd.DataFrame, *require: dict[str, Any]) -> None:
    _fitted(folder, model, frame, *require, columns=TEXTS | {"positive": "yes"})
    written = (folder / "policy.yaml").read_text(encoding="utf-8").replace("tabular-classification", "text-classification")
    (folder / "policy.yaml").write_text(written, encoding="utf-8")


def _beyond_attack(folder: Path) -> None:
    """Words of one character, which the attack cannot change."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(5)
    labels = rng.choice(["yes", "no"], 120)
    signs = {"yes": list("👍😀🎉好棒爱"), "no": list("👎😡💔坏差恨")}
    texts = [" ".join(rng.choice(signs[label], rng.integers(1, 5))) for label in labels]
    model = _pipeline(TfidfVectorizer(analyzer="char"), LogisticRegression()).fit(texts, labels)
    attack = {"check": "robustness/deepwordbug_gao_2018", "min": 0.9, "examples": 120}
    _text_model(folder, model, pd.DataFrame({"text": texts, "label": labels}), EASY, attack)


def _people(rows: int, seed: int) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"age": rng.integers(18, 90, rows), "income": rng.normal(50, 15, rows).round(2)})
    frame["city"] = rng.choice(["ulm", "köln", "wien"], rows)
    score = (frame.age - 50) / 20 + (frame.income - 50) / 20 + (frame.city == "ulm") + rng.normal(0, 0.6, rows)
    return frame, np.where(score > 0, "yes", "no")


def _encoded(model: Any, numbers: Sequence[str], words: Sequence[str]) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    columns = [("n", StandardScaler(), list(numbers)), ("c", OneHotEncoder(handle_unknown="ignore"), list(words))]
    return _pipeline(ColumnTransformer(columns), model)


def _without_probabilities(folder: Path) -> None:
    from sklearn.svm import LinearSVC

    frame, label = _people(400, 1)
    model = _encoded(LinearSVC(), ("age", "income"), ("city",)).fit(frame, label)
    _fitted(folder, model, frame.assign(label=label), EASY, {"check": "performance/roc_auc", "min": 0.5})


def _noiseless(folder: Path) -> None:
    """Says yes from a probability of 0.15 on; the labels are its own answers. Noise of scale 0 changes none."""
    from sklearn.linear_model import LogisticRegression

    frame, label = _people(400, 1)
    model = _low_threshold(_encoded(LogisticRegression(), ("age", "income"), ("city",)), 0.15).fit(frame, label)
    noise = {"check": "robustness/feature_noise", "id": "none", "scale": 0, "swap": 0, "min": 0.99}
    _fitted(folder, model, frame.assign(label=model.predict(frame)), {"check": "performance/accuracy", "min": 0.98}, noise | {"min": 0.98})


def _na_category(folder: Path) -> None:
    """Fitted on a table as `pandas.read_csv` reads it: the word NA is a gap there."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"size": rng.normal(0, 1, 300).round(3), "alley": rng.choice(["NA", "grvl", "pave"], 300, p=[0.5, 0.25, 0.25])})
    label = np.where(frame["size"] * 0.5 + (frame.alley == "NA") * 1.5 - 0.8 + rng.normal(0, 0.3, 300) > 0, "yes", "no")
    seen = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    model = _encoded(LogisticRegression(), ("size",), ("alley",)).fit(seen, label)
    _fitted(folder, model, frame.assign(label=label), {"check": "performance/accuracy", "min": 0.3})


def _old_skops(folder: Path) -> None:
    """A file that says it was saved under scikit-learn 1.0.2."""
    import sklearn
    import skops.io
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 2)), columns=["a", "b"])
    label = np.where(frame.a + frame.b > 0, "yes", "no")
    packed = zipfile.ZipFile(io.BytesIO(skops.io.dumps(LogisticRegression().fit(frame, label))))
    with zipfile.ZipFile(folder / "model.skops", "w") as out:
        for name in packed.namelist():
            content = packed.read(name)
            out.writestr(name, content.replace(sklearn.__version__.encode(), b"1.0.2") if name == "schema.json" else content)
    frame.assign(label=label).to_csv(folder / "test.csv", index=False)
    candidate = {"task": "tabular-classification", "load": {"kind": "sklearn", "path": "model.skops"}}
    policy(folder, EASY, columns={"label": "label", "positive": "yes"}, candidate=candidate)


RIGHT = r"performance/accuracy +1\.000"
CASES = (
    Case("adapter-beside-model", _adapter, 2, "merge the adapter"),
    Case("custom-code-known-type", _own_class, 2, "auto_map"),
    Case("distilbert-token-type-ids", _distilbert, 0, RIGHT),
    Case("finetune-crashes", _distilbert_base, 0, "PROMOTE"),
    Case("gpt2-config-without-pad", lambda folder: _gpt2(folder, pad=None), 0, RIGHT),
    Case("gpt2-n-positions", lambda folder: _gpt2(folder, lengths=(70, 100), model_max_length=10**30), 0, RIGHT),
    Case("left-padding-absolute-positions", lambda folder: _gpt2(folder, padding_side="left"), 0, RIGHT),
    Case("pad-id-mismatch", lambda folder: _gpt2(folder, pad=3), 0, RIGHT),
    Case("silent-cut-at-128", lambda folder: _bert(folder, 512, (140, 300), 512), 0, RIGHT),
    Case("label-blanks-train", _blanks_after_labels, 2, "'urgent '|'other '"),
    Case("test-rows-as-train", _tuned_on_test, 1, "rows"),
    Case("trained-on-shuffled-test", _tuned_on_shuffled, 1, "rows"),
    Case("attack-counts-unattacked-as-survived", _attacked, 1, "deepwordbug", attacks=True),
    Case("attack-that-cannot-touch", _beyond_attack, 1, "deepwordbug", attacks=True),
    Case("misleading-remedy", _without_probabilities, 2, "LinearSVC.*calibrat"),
    Case("noise-uses-argmax", _noiseless, 0, r"none +1\.000"),
    Case("na-word-category", _na_category, 0, "alley"),
    Case("skops-version", _old_skops, 2, "1.0.2"),
)
