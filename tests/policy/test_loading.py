"""A policy is read as it is written, from where it is written, and refused as a whole."""

from __future__ import annotations

import hashlib
import json
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.commands.explain import explain
from audit.errors import InputError, Mistake, PolicyError
from audit.pipeline.compatibility import load_policy
from audit.policy import LoadedPolicy, load
from audit.policy.schema import Policy

GOOD = """\
policy: letters
datasets:
  train: {path: data/train.csv}
  test: {path: data/test.csv}
columns: {label: label, prediction: prediction, positive: yes, sensitive: [gender]}
candidate: {task: tabular-classification, load: {kind: predictions}}
require:
  - {check: performance/accuracy, by: [gender, [gender, region]], min: 0.8}
  - check: data/duplicates
    on: train
    max: 3
    near: 0.9
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, as the current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text: str, name: str = "policy.yaml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def mistakes(text: str, name: str = "policy.yaml") -> list[str]:
    with pytest.raises(PolicyError) as refused:
        load_policy(written(text, name))
    return [str(mistake) for mistake in refused.value.mistakes]


@pytest.mark.usefixtures("project")
def test_a_good_policy_says_what_it_says() -> None:
    policy = load_policy(written(GOOD)).policy
    accuracy, duplicates = policy.require
    assert accuracy.by == (("gender",), ("gender", "region"))
    assert (accuracy.id, accuracy.on, accuracy.severity, accuracy.min, accuracy.max) == ("performance/accuracy", "test", "high", 0.8, None)
    assert (duplicates.on, duplicates.max, duplicates.params) == ("train", 3.0, {"near": 0.9})
    assert policy.seed == 0
    assert policy.tier == 2
    assert "tier" not in policy.model_fields_set


@pytest.mark.usefixtures("project")
def test_places_are_those_of_the_file() -> None:
    loaded = load(written(GOOD))
    assert loaded.where("require", 0, "min") == ("policy.yaml", 8, 72)
    assert loaded.where("require", 1, "near") == ("policy.yaml", 12, 11)
    assert loaded.where("require", 0, "by", 1, 1) == ("policy.yaml", 8, 57)
    assert loaded.where("require", 0, "severity") == ("policy.yaml", 8, 5), "a missing key: where its mapping begins"
    assert loaded.where("nothing", "at", "all") == ("policy.yaml", 1, 1)


@pytest.mark.usefixtures("project")
def test_words_are_not_taken_for_truth_values_or_numbers() -> None:
    """YAML 1.1 reads `on`, `yes` and `no` as booleans, 007 as an octal number and 1e-3 as text."""
    loaded = load(written(GOOD.replace("positive: yes", "positive: no")))
    assert loaded.policy.columns.positive == "no"
    for text, value in (("007", "007"), ("1", 1), ("true", True), ("1.5", 1.5), ("12:30", "12:30"), ("2020-01-01", "2020-01-01")):
        positive = load(written(GOOD.replace("positive: yes", f"positive: {text}"))).policy.columns.positive
        assert (positive, type(positive)) == (value, type(value))
    assert load(written(GOOD + "confidence: 9.5e-1\n")).policy.confidence == 0.95


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("by", "families"), [("gender", (("gender",),)), ("[a, b]", (("a",), ("b",))), ("[[a, b]]", (("a", "b"),)), ("[]", ())]
)
def test_forms_of_by(by: str, families: tuple[tuple[str, ...], ...]) -> None:
    loaded = load(written(GOOD.replace("[gender, [gender, region]]", by)))
    assert loaded.policy.require[0].by == families


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("by", "written_again"),
    [
        ("[{age: [25, 45.5]}]", [[{"age": [25, 45.5]}]]),
        ("{age: {bands: 4}}", [[{"age": {"bands": 4}}]]),
        ("{age: [25], income: {bands: 2}}", [[{"age": [25]}], [{"income": {"bands": 2}}]]),
        ("[gender, [gender, {age: [40]}]]", [["gender"], ["gender", {"age": [40]}]]),
    ],
)
def test_bands_under_by(by: str, written_again: list[list[object]]) -> None:
    policy = load(written(GOOD.replace("[gender, [gender, region]]", by))).policy
    (first, *_) = policy.require
    assert [[one if isinstance(one, str) else one.to_json() for one in family] for family in first.by] == written_again
    assert Policy.model_validate_json(policy.model_dump_json(), strict=True) == policy


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("said", "pickle"), [("trust: pickle\n", True), ("trust: {pickle: true}\n", True), ("trust: {}\n", False), ("", False)]
)
def test_forms_of_trust(said: str, pickle: bool) -> None:  # noqa: FBT001  # a column of the table above
    assert load(written(GOOD + said)).policy.trust.pickle is pickle


@pytest.mark.usefixtures("project")
def test_the_digest_is_of_the_very_bytes() -> None:
    path = Path("policy.yaml")
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    loaded = load(path)
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert loaded.policy == load(written(GOOD)).policy


@pytest.mark.usefixtures("project")
def test_a_byte_that_is_not_utf8_is_placed() -> None:
    Path("policy.yaml").write_bytes(GOOD.encode().replace(b"data/train", b"data/tr\xe4in"))
    with pytest.raises(PolicyError, match=r"^policy.yaml:3:24: byte 0xe4 is not UTF-8; save the file as UTF-8$"):
        load("policy.yaml")


@pytest.mark.usefixtures("project")
def test_a_control_character_is_placed() -> None:
    assert mistakes("policy: x\nversion: \x07\n") == ["policy.yaml:2:10: character U+0007 may not stand in YAML; delete it"]


@pytest.mark.usefixtures("project")
def test_a_missing_file_names_the_one_meant() -> None:
    written(GOOD, "policies/letters.yaml")
    with pytest.raises(InputError, match=r"did you mean 'letters\.yaml'"):
        load("policies/leters.yaml")


@pytest.mark.usefixtures("project")
def test_a_file_too_large_is_refused_unread() -> None:
    with pytest.raises(InputError, match="at most 1,000,000"):
        load(written(GOOD + "#" * 1_000_001))


@pytest.mark.usefixtures("project")
def test_a_file_of_too_many_values_is_refused_early() -> None:
    """Reading stops at the limit: a megabyte of them would take a minute."""
    (told,) = mistakes("policy: x\nlooks: [" + "1," * 400_000 + "1]\n")
    assert told.startswith("policy.yaml:2:")
    assert "more than 20,000 values" in told


@pytest.mark.usefixtures("project")
def test_a_long_chain_of_bases_is_refused() -> None:
    for number in range(12):
        written(f"extends: base{number + 1}.yaml\npolicy: base{number}\n", f"base{number}.yaml")
    (told,) = mistakes("extends: base0.yaml\n" + GOOD)
    assert told == "base7.yaml:1:10: extends: more than 8 policies extend one another; merge some of them"


def test_relative_paths_start_at_the_current_directory(project: Path) -> None:
    loaded = load(written(GOOD, "policies/deep/letters.yaml"))
    assert loaded.project == project
    assert loaded.resolve("data/test.csv") == project / "data/test.csv"


def test_relative_paths_start_at_the_policy_when_it_lies_elsewhere(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(GOOD, "elsewhere/letters.yaml").resolve()
    (project / "here").mkdir()
    monkeypatch.chdir(project / "here")
    assert load(path).resolve("data/test.csv") == project / "elsewhere/data/test.csv"


def test_a_link_out_of_the_project_is_a_way_out(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = tmp_path_factory.mktemp("outside")
    (project / "data").symlink_to(secret)
    (told, _) = mistakes(GOOD)
    assert told.startswith("policy.yaml:3:17: datasets.train.path: 'data/train.csv' lies outside the project folder")
    assert "--allow-outside" in told
    loaded = load("policy.yaml", allow_outside=True)
    assert loaded.resolve("data/test.csv") == project / "data/test.csv"


def test_a_path_that_a_check_asks_for_stays_inside_too(project: Path) -> None:
    """`resolve` guards what the loader cannot see, such as a file named by a parameter."""
    loaded = load(written(GOOD))
    with pytest.raises(InputError, match="lies outside the project"):
        loaded.resolve("../secrets.csv")
    with pytest.raises(InputError, match="lies outside the project"):
        loaded.resolve(str(project.parent / "secrets.csv"))


@pytest.mark.usefixtures("project")
def test_environment_variables_stand_in_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_TEST_DATA", "stored/here")
    loaded = load(written(GOOD.replace("data/test.csv", '"${AUDIT_TEST_DATA}/test.csv"')))
    assert loaded.policy.datasets["test"].path == "stored/here/test.csv"
    assert "${AUDIT_TEST_DATA}" in loaded.text, "the digest is of the file, not of this machine's folders"


@pytest.mark.usefixtures("project")
def test_an_environment_variable_is_no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_TEST_DATA", "../..")
    (told,) = mistakes(GOOD.replace("data/test.csv", '"${AUDIT_TEST_DATA}/test.csv"'))
    assert "lies outside the project folder" in told


BASE = GOOD + "confidence: 0.9\nsystem: {purpose: Sort letters, owner: {team: Mail, contact: mail@example.org}}\n"
TOP = """\
extends: base.yaml
policy: strict-letters
tier: 1
system: {owner: {contact: chief@example.org}}
require:
  - {check: data/duplicates, max: 0}
  - {check: performance/accuracy, id: everywhere, min: 0.9}
"""


@pytest.fixture
def extended(project: Path) -> LoadedPolicy:
    assert project == Path.cwd()
    written(BASE, "base.yaml")
    return load_policy(written(TOP))


def test_extends_lays_a_policy_over_its_base(extended: LoadedPolicy) -> None:
    policy = extended.policy
    assert (policy.policy, policy.tier, policy.confidence) == ("strict-letters", 1, 0.9)
    assert policy.system.purpose == "Sort letters"
    assert policy.system.owner is not None
    assert (policy.system.owner.team, policy.system.owner.contact) == ("Mail", "chief@example.org")
    assert [(one.id, one.min, one.max) for one in policy.require] == [
        ("performance/accuracy", 0.8, None),
        ("data/duplicates", None, 0.0),
        ("everywhere", 0.9, None),
    ]
    assert policy.require[1].params == {"near": 0.9}, "what the base says of the same id stays"


def test_places_tell_the_file_that_says_it(extended: LoadedPolicy) -> None:
    assert extended.where("require", 0, "min") == ("base.yaml", 8, 72)
    assert extended.where("require", 1, "max") == ("policy.yaml", 6, 35)
    assert extended.where("require", 1, "near") == ("base.yaml", 12, 11)
    assert extended.where("require", 2) == ("policy.yaml", 7, 5)


def test_the_merged_text_is_a_policy_of_its_own(extended: LoadedPolicy) -> None:
    again = load_policy(written(extended.text, "again.yaml"))
    assert again.policy == extended.policy.model_copy(update={"extends": None})
    assert extended.sha256 == hashlib.sha256(extended.text.encode()).hexdigest()


@pytest.mark.usefixtures("project")
def test_the_digest_of_a_merged_policy_follows_its_base() -> None:
    written(BASE, "base.yaml")
    before = load(written(TOP)).sha256
    written(BASE.replace("min: 0.8", "min: 0.7"), "base.yaml")
    assert load(written(TOP)).sha256 != before


@pytest.mark.usefixtures("project")
def test_a_base_beside_the_policy_is_pointed_out() -> None:
    written(BASE, "policies/base.yaml")
    (told,) = mistakes(TOP, "policies/top.yaml")
    assert "write 'policies/base.yaml'" in told


@pytest.mark.usefixtures("project")
def test_a_mistake_in_a_base_is_told_with_its_file() -> None:
    written(BASE.replace("min: 0.8", "min: 8"), "base.yaml")
    (told,) = mistakes(TOP)
    assert told.startswith("base.yaml:8:72: require.0.min: 8 is never met")


@pytest.mark.usefixtures("project")
def test_a_hostile_key_is_spelt_out() -> None:
    (told,) = mistakes('"\\e[2Jx": 1\n' + GOOD)
    assert "\x1b" not in told
    assert "\\x1b[2Jx: unknown key" in told


KEYS = ["check", "min", "by", "id", "on", "path", "load", "kind", "columns", "scores"]
TOP_KEYS = ["policy", "require", "datasets", "columns", "candidate", "extends", "system", "trust", "not_measured", "tier"]
SOMETHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["test", "performance/accuracy", "${X}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(TOP_KEYS), value=SOMETHING)
def test_whatever_stands_at_a_key_is_read_or_refused(project: Path, key: str, value: object) -> None:
    """Never anything but a policy or its mistakes, each with a place in the file."""
    lines = [line for line in GOOD.splitlines() if not line.startswith(key)]
    text = f"{json.dumps(key)}: {json.dumps(value)}\n" + "\n".join(lines)
    path = project / "any.yaml"
    path.write_text(text.replace("NaN", ".nan").replace("Infinity", ".inf"), encoding="utf-8")
    told: tuple[Mistake, ...] = ()
    try:
        assert load_policy(path).policy.require
    except PolicyError as refused:
        told = refused.mistakes
    assert all(1 <= one.line <= text.count("\n") + 2 for one in told)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60) | st.text(alphabet="{}[]:,-&*!|>'\"#%@`?\n\t ax1.~<", max_size=40).map(str.encode))
def test_whatever_the_bytes_they_are_read_or_refused(project: Path, raw: bytes) -> None:
    path = project / "any.yaml"
    path.write_bytes(raw)
    with pytest.raises(PolicyError):
        load(path)


BROKEN = {
    "on": "on: 3",
    "reference": "reference: [train]",
    "reference_group": "reference_group: [a]",
    "by": "by: 3",
    "min": "min: .inf",
    "margin": "margin: -1",
    "severity": "severity: grave",
    "enforce": "enforce: always",
    "confidence": "confidence: 2",
    "min_n": "min_n: 0",
    "judge_on": "judge_on: point",
    "limit": "limit: 0",
    "against": "against: nobody",
    "id": "id: ' '",
}
"""A key of a requirement with a value that is a mistake."""
OTHERWISE = {
    "fairness/equal_opportunity_difference": {"by": "by: [gender]", "max": "max: 0.1"},
    "drift/psi": {"reference": "reference: train", "max": "max: 0.2"},
    "performance/accuracy": {"against": "against: champion", "margin": "margin: 0.01"},
    "performance/recall": {"min": "min: 0.8", "judge_on": "judge_on: value", "severity": "severity: low"},
    "data/duplicates": {"on": "on: train", "max": "max: 0"},
}
"""Requirements in which nothing else is a mistake."""
EVERYWHERE = {"on", "severity", "enforce", "confidence", "min_n", "judge_on", "limit", "id"}
"""Keys that no check refuses."""


def requirement(check: str, keys: dict[str, str]) -> str:
    champion = "champion: {load: {kind: predictions}, columns: {prediction: old}}\n"
    head = GOOD.partition("require:")[0].replace("candidate:", f"{champion}candidate:")
    return f"{head}require:\n  - {{check: {check}, {', '.join(keys.values())}}}\n"


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("check", "key"), [(check, key) for check in OTHERWISE for key in BROKEN if key in OTHERWISE[check] or key in EVERYWHERE]
)
def test_a_mistake_in_one_key_brings_no_other(check: str, key: str) -> None:
    """A bad severity, a bound that is no number: that alone is reported, not what seems to follow from its absence."""
    keys = OTHERWISE[check] | {key: BROKEN[key]}
    (mistake,) = mistakes(requirement(check, keys))
    assert f"require.0.{key}: " in mistake


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("key", BROKEN)
def test_a_mistake_in_one_key_hides_no_unknown_check(key: str) -> None:
    found = mistakes(requirement("performance/acuracy", {key: BROKEN[key], "max": "max: 0.1"}))
    assert "require.0.check: there is no check \"performance/acuracy\"; did you mean 'performance/accuracy'?" in found[0]
    assert [f"require.0.{key}: " in one for one in found] == [False, True]


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("value", ["0", "-1", ".inf", ".nan", "604801", "soon", "true"])
def test_a_limit_is_a_number_of_seconds(value: str) -> None:
    (mistake,) = mistakes(requirement("performance/accuracy", {"min": "min: 0.8", "limit": f"limit: {value}"}))
    assert "require.0.limit: " in mistake
    (one,) = load_policy(written(requirement("performance/accuracy", {"min": "min: 0.8", "limit": "limit: 0.5"}))).policy.require
    assert one.limit == 0.5


@pytest.mark.usefixtures("project")
def test_a_mistake_in_one_key_hides_no_unknown_parameter() -> None:
    found = mistakes(requirement("data/duplicates", {"severity": "severity: grave", "nearr": "nearr: 0.9", "max": "max: 0"}))
    assert [one.split(": ", 2)[1] for one in found] == ["require.0.severity", "require.0.nearr"]


@pytest.mark.usefixtures("project")
def test_a_mistake_of_the_training_hides_no_check_that_it_does_not_serve() -> None:
    tune = "candidate: {task: text-classification, fine_tune: {base: minilm, epochs: many}}"
    text = GOOD.replace("candidate: {task: tabular-classification, load: {kind: predictions}}", tune)
    text = text.replace("check: data/duplicates", "check: performance/mean_absolute_error").replace("near: 0.9", "min_n: 30")
    assert [one.split(": ", 2)[1] for one in mistakes(text)] == ["candidate.fine_tune.epochs", "require.1.check"]


def test_an_absent_parameter_is_explained_as_not_set() -> None:
    """`none` reads as a value that could be written."""
    defaults = {parameter.name: parameter.default for parameter in explain("data/duplicates").parameters}
    assert defaults == {"columns": "not set", "near": "not set"}
