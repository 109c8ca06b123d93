"""What was loosened between two policies: every key, in either direction, and nothing where nothing changed."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.catalog import discover
from audit.governance.policy_diff import Change, differences
from audit.policy.schema import Policy, Requirement

ACCURACY = {"check": "performance/accuracy", "id": "performance/accuracy", "min": 0.8}
BASE: dict[str, Any] = {
    "policy": "letters",
    "version": 1,
    "tier": 2,
    "datasets": {"test": {"path": "test.csv"}, "train": {"path": "train.csv"}},
    "columns": {"label": "label", "group": "customer"},
    "candidate": {"task": "tabular-classification", "load": {"kind": "sklearn", "path": "model.skops", "sha256": "a" * 64}},
    "models": {"full": {"load": {"kind": "sklearn", "path": "full.skops", "sha256": "1" * 64}}},
    "require": [ACCURACY],
    "valid_for": "90d",
    "waivers": "waivers/",
    "trust": {"keys": ["keys/ann.pub"]},
    "looks": {"max": 5, "spending": "pocock"},
}


def policy(**changed: Any) -> Policy:
    return Policy.model_validate({key: value for key, value in (deepcopy(BASE) | changed).items() if value != "absent"})


def asking(**changed: Any) -> Policy:
    return policy(require=[ACCURACY | changed])


def told(old: Policy, new: Policy) -> list[str]:
    return [f"{one.kind}: {one.place}: {one.words}" for one in differences(old, new, catalog=discover())]


def kinds(changes: tuple[Change, ...]) -> Counter[str]:
    return Counter(change.kind for change in changes)


TOP: list[tuple[dict[str, Any], str, str]] = [
    ({"confidence": 0.9}, "confidence", "0.95 → 0.9: a less sure interval"),
    ({"tier": 3}, "tier", "2 → 3: a lower tier, which requires less"),
    ({"tier": "absent"}, "tier", "2 → not set: a lower tier, which requires less"),
    ({"trust": {"keys": ["keys/ann.pub"], "pickle": True}}, "trust.pickle", "false → true: pickles may be loaded"),
    ({"trust": {"keys": ["keys/ann.pub", "keys/bob.pub"]}}, "trust.keys", "keys/bob.pub is trusted"),
    ({"looks": {"max": 6, "spending": "pocock"}}, "looks.max", "5 → 6: more looks at the same data"),
    ({"valid_for": "13 weeks"}, "valid_for", "90d → 13 weeks: a decision is valid for longer"),
    ({"valid_for": None}, "valid_for", "90d → not set: a decision is valid for longer"),
    ({"labels": {"map": {"denied": "approved"}}}, "labels.map.denied", "not set → approved: two classes count as one"),
    (
        {"models": {"full": {"load": {"kind": "sklearn", "path": "full.skops"}}}},
        "models.full.load.sha256",
        f"{'1' * 64} → not set: the digest of the file is no longer checked",
    ),
    ({"require": []}, "require.performance/accuracy", "is no longer required: performance/accuracy on test, at least 0.8, high, required"),
]
BEHIND = {"min": None, "against": "champion"}
ASKED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({}, {"min": 0.79}, "min", "0.8 → 0.79: an easier bound"),
    ({"min": None, "max": 0.1}, {"min": None, "max": 0.2}, "max", "0.1 → 0.2: an easier bound"),
    ({"max": 0.9}, {}, "max", "0.9 → not set: an easier bound"),
    (
        {"min": None, "against": "champion", "margin": 0.01},
        {"min": None, "against": "champion", "margin": 0.02},
        "margin",
        "a wider margin",
    ),
    ({}, {"severity": "medium"}, "severity", "high → medium: a lower severity"),
    ({"severity": "critical"}, {"severity": "high"}, "severity", "critical → high: a lower severity"),
    ({}, {"enforce": "advisory"}, "enforce", "required → advisory: it no longer changes the decision"),
    ({}, {"confidence": 0.9}, "confidence", "0.95 → 0.9: a less sure interval"),
    ({}, {"min_n": 29}, "min_n", "30 → 29: fewer rows are enough"),
    ({}, {"judge_on": "value"}, "judge_on", "interval → value: chance is ignored"),
    ({"by": [["region"], ["age"]]}, {"by": [["age"]]}, "by", "region: no longer measured separately"),
    ({"by": [["region", "age"]]}, {}, "by", "region and age: no longer measured separately"),
]


@pytest.mark.parametrize(("changed", "place", "words"), TOP, ids=[f"{place} {words[:14]}" for _, place, words in TOP])
def test_what_asks_less_of_the_whole(changed: dict[str, Any], place: str, words: str) -> None:
    assert told(policy(), policy(**changed)) == [f"loosened: {place}: {words}"]
    assert kinds(differences(policy(**changed), policy())) == {"tightened": 1}


@pytest.mark.parametrize(("old", "new", "key", "words"), ASKED, ids=[f"{key} {words[:14]}" for _, _, key, words in ASKED])
def test_what_asks_less_of_one_requirement(old: dict[str, Any], new: dict[str, Any], key: str, words: str) -> None:
    (said,) = told(asking(**old), asking(**new))
    assert said.startswith(f"loosened: require.performance/accuracy.{key}: ")
    assert said.endswith(words)
    assert kinds(differences(asking(**new), asking(**old))) == {"tightened": 1}


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"policy": "words"}, "policy"),
        ({"version": 2}, "version"),
        ({"seed": 1}, "seed"),
        ({"system": {"purpose": "sort"}}, "system.purpose"),
        ({"candidate": BASE["candidate"] | {"load": BASE["candidate"]["load"] | {"sha256": "b" * 64}}}, "candidate.load.sha256"),
        ({"champion": {"load": {"kind": "predictions"}}}, "champion.load.kind"),
        ({"not_measured": {"safe": "no"}}, "not_measured.safe"),
        ({"waivers": "others/"}, "waivers"),
        ({"looks": {"max": 5, "spending": "obrien-fleming"}}, "looks.spending"),
        ({"monitor": {"window": "week"}}, "monitor.window"),
        ({"registry": {"to": "folder:live"}}, "registry.to"),
        ({"columns": BASE["columns"] | {"positive": "urgent"}}, "columns.positive"),
        ({"datasets": BASE["datasets"] | {"test": {"path": "other.csv"}}}, "datasets.test.path"),
        ({"datasets": BASE["datasets"] | {"test": {"path": "test.csv", "columns": {"label": "y"}}}}, "datasets.test.columns.label"),
        ({"datasets": BASE["datasets"] | {"extra": {"path": "extra.csv"}}}, "datasets.extra"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_go_either_way(changed: dict[str, Any], place: str) -> None:
    for pair in ((policy(), policy(**changed)), (policy(**changed), policy())):
        found = differences(*pair)
        assert {change.kind for change in found} == {"other"}
        assert place in {change.place for change in found}


def test_every_key_of_a_policy_is_compared() -> None:
    """One that is added to the schema must be looked at by a test of this file; a base is compared as it was merged."""
    seen = {place.split(".")[0] for _, place, _ in TOP} | {"policy", "version", "seed", "system", "candidate", "champion", "not_measured"}
    seen |= {"waivers", "monitor", "registry", "columns", "datasets", "extends"}
    assert set(Policy.model_fields) == seen
    asked = {key for _, _, key, _ in ASKED} | {"check", "id", "on", "reference", "reference_group", "against", "limit", "params"}
    assert set(Requirement.model_fields) == asked


@pytest.mark.parametrize(
    "changed", [{"on": "train"}, {"reference": "train"}, {"reference_group": "highest"}, {"limit": 60.0}, {"params": {"near": 0.9}}]
)
def test_other_keys_of_a_requirement(changed: dict[str, Any]) -> None:
    assert kinds(differences(asking(), asking(**changed))) == {"other": 1}


def test_an_entity_key_that_goes_loosens() -> None:
    """Rows of one entity then count as independent, and every interval shrinks; a data set's own null takes it away as well."""
    without = [
        policy(columns={"label": "label"}),
        policy(datasets=BASE["datasets"] | {"test": {"path": "test.csv", "columns": {"group": None}}}),
    ]
    said = "datasets.test.columns.group: customer → not set: rows of one entity count as independent"
    for one in without:
        assert f"loosened: {said}" in told(policy(), one)
        assert set(kinds(differences(one, policy()))) == {"tightened"}


def test_a_sample_that_is_no_longer_declared_loosens() -> None:
    """Its counts would be those of all rows again. Audited on a part of the rows, a data set is another one."""

    def sampled(**keys: Any) -> Policy:
        return policy(datasets=BASE["datasets"] | {"test": {"path": "test.csv", **keys}})

    declared = sampled(sampled={"share": 0.1, "how": "random"})
    loosened = [one.place for one in differences(declared, sampled()) if one.kind == "loosened"]
    assert loosened == ["datasets.test.sampled.share", "datasets.test.sampled.how"]
    assert kinds(differences(sampled(), declared)) == {"tightened": 2}
    assert kinds(differences(declared, sampled(sampled={"share": 0.1, "how": "other"}))) == {"tightened": 1}
    assert kinds(differences(declared, sampled(sampled={"share": 0.5, "how": "random"}))) == {"loosened": 1}
    assert kinds(differences(sampled(), sampled(sample={"rows": 100}, sql="FROM data"))) == {"other": 2}


def test_a_digest_that_goes_loosens() -> None:
    without = policy(candidate={"task": "tabular-classification", "load": {"kind": "sklearn", "path": "model.skops"}})
    assert kinds(differences(policy(), without)) == {"loosened": 1}


def test_a_folder_of_waivers_that_goes_tightens() -> None:
    assert told(policy(), policy(waivers=None)) == ["tightened: waivers: waivers/ → not set: nothing can be waived any more"]


def test_looks_that_are_no_longer_planned_loosen() -> None:
    """Then every look uses the whole error."""
    assert told(policy(), policy(looks=None)) == [
        "loosened: looks.max: 5 → not set: more looks at the same data",
        "other: looks.spending: pocock → not set",
    ]


def test_the_policys_confidence_is_told_once() -> None:
    """A requirement that has its own is compared by what it comes to."""
    assert [one.place for one in differences(policy(), policy(confidence=0.9))] == ["confidence"]
    assert [one.place for one in differences(policy(), asking(confidence=0.95))] == []


def test_crossing_is_no_splitting() -> None:
    """[a, b] looks at two families and [[a, b]] at one: both are told."""
    assert kinds(differences(asking(by=[["a"], ["b"]]), asking(by=[["b", "a"]]))) == {"loosened": 2, "tightened": 1}
    assert differences(asking(by=[["a", "b"]]), asking(by=[["b", "a"]])) == ()


def test_features_named_are_fewer_than_all() -> None:
    """Where `by` names features, none named means all of them."""
    psi = {"check": "drift/psi", "id": "psi", "reference": "train", "max": 0.2}
    every, some, fewer = (policy(require=[psi | {"by": by}]) for by in ([], [["age"], ["pay"]], [["age"]]))
    assert told(every, some) == ["loosened: require.psi.by: only age, pay of all features"]
    assert told(some, fewer) == ["loosened: require.psi.by: pay: no longer measured separately"]
    assert kinds(differences(some, every, catalog=discover())) == {"tightened": 1}


def test_a_parameter_left_out_is_its_default() -> None:
    """`examples: 200` is what DeepWordBug takes anyway; fewer are a smaller sample."""
    attack = {"check": "robustness/deepwordbug_gao_2018", "id": "attack", "min": 0.1}
    plain, same, fewer = (policy(require=[attack | {"params": params}]) for params in ({}, {"examples": 200}, {"examples": 150}))
    assert told(plain, same) == []
    assert told(plain, fewer) == ["loosened: require.attack.params.examples: 200 → 150: fewer examples are tried"]


def test_parameters_of_another_release_are_compared_as_they_stand() -> None:
    """What this release's check does not take breaks no comparison."""
    attack = {"check": "robustness/deepwordbug_gao_2018", "id": "attack", "min": 0.1}
    old, new = (policy(require=[attack | {"params": params}]) for params in ({"depth": 2}, {}))
    assert told(old, new)[0] == "other: require.attack.params.depth: 2 → not set"


def test_another_id_is_the_same_requirement() -> None:
    """It is said, and its loosening is not hidden by it."""
    assert told(policy(), asking(id="hits", min=0.7)) == [
        "loosened: require.hits.min: 0.8 → 0.7: an easier bound",
        "other: require.hits: was performance/accuracy: the same check on the same data under another id",
    ]


def test_other_ids_are_matched_by_likeness() -> None:
    """Two of one check, both renamed and in another order: each is held against the one most like it."""
    slices = ACCURACY | {"id": "slices", "by": [["region"]], "min": 0.7}
    old = policy(require=[ACCURACY | {"id": "whole"}, slices])
    new = policy(require=[slices | {"id": "b"}, ACCURACY | {"id": "a"}])
    assert kinds(differences(old, new)) == {"other": 2}


def test_another_check_under_the_same_id_is_another_requirement() -> None:
    found = told(policy(), asking(check="performance/recall"))
    assert [one.split(":")[0] for one in found] == ["loosened", "tightened"]


def any_policy() -> st.SearchStrategy[Policy]:
    requirement = st.fixed_dictionaries(
        {
            "check": st.sampled_from(["performance/accuracy", "performance/recall", "drift/psi"]),
            "min": st.sampled_from([None, 0.5, 0.7]),
            "max": st.sampled_from([0.8, 0.9]),
            "severity": st.sampled_from(["critical", "high", "medium", "low"]),
            "enforce": st.sampled_from(["required", "advisory"]),
            "by": st.lists(st.sampled_from([["a"], ["b"], ["a", "b"]]), unique_by=tuple, max_size=2),
            "confidence": st.sampled_from([None, 0.9, 0.95]),
            "on": st.sampled_from(["test", "train"]),
            "min_n": st.sampled_from([10, 30]),
            "judge_on": st.sampled_from(["interval", "value"]),
        }
    )
    numbered = st.lists(st.tuples(st.sampled_from("pqrs"), requirement), max_size=3, unique_by=lambda pair: pair[0])
    whole = st.fixed_dictionaries(
        {
            "require": numbered.map(lambda pairs: [{"id": name, **one} for name, one in pairs]),
            "confidence": st.sampled_from([0.9, 0.95, 0.99]),
            "tier": st.sampled_from([1, 2, 3, "absent"]),
            "valid_for": st.sampled_from([None, 30, "30d", "5w"]),
            "waivers": st.sampled_from([None, "a/", "b/"]),
            "looks": st.sampled_from([None, {"max": 3, "spending": "pocock"}, {"max": 5, "spending": "pocock"}]),
            "trust": st.sampled_from([{}, {"pickle": True}, {"keys": ["a"]}, {"keys": ["a", "b"]}]),
            "columns": st.sampled_from([{}, {"group": "who"}]),
        }
    )
    return whole.map(lambda changed: policy(**changed))


@given(any_policy())
@settings(max_examples=50, deadline=None)
def test_nothing_changed_is_no_change(one: Policy) -> None:
    assert differences(one, one.model_copy(deep=True), catalog=discover()) == ()


@given(any_policy(), any_policy())
@settings(max_examples=150, deadline=None)
def test_what_is_loosened_one_way_is_tightened_the_other(old: Policy, new: Policy) -> None:
    there, back = kinds(differences(old, new, catalog=discover())), kinds(differences(new, old, catalog=discover()))
    assert (there["loosened"], there["tightened"], there["other"]) == (back["tightened"], back["loosened"], back["other"])


@given(any_policy(), any_policy())
@settings(max_examples=100, deadline=None)
def test_policies_without_a_change_are_alike(old: Policy, new: Policy) -> None:
    """Whatever differs is told, but for the order of requirements and the spelling of a length of time."""
    if differences(old, new, catalog=discover()) == ():
        asked = [sorted(one.require, key=lambda each: each.id) for one in (old, new)]
        for before, after in zip(*asked, strict=True):
            assert (before.check, before.min, before.max, before.severity) == (after.check, after.min, after.max, after.severity)
        assert (old.confidence, old.tier, old.trust, old.looks) == (new.confidence, new.tier, new.trust, new.looks)
