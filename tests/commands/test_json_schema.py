"""The JSON Schema tells an editor what the loader tells the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from audit.catalog import discover
from audit.commands.docs_pages import schema_json
from audit.commands.explain import example
from audit.pipeline.compatibility import load_policy
from audit.policy.yaml_reader import flatten, parse

ROOT = Path(__file__).parents[2]
SHAPE = [
    "unknown-key",
    "unknown-key-deep",
    "unknown-check",
    "unknown-check-far",
    "bound-in-quotes",
    "bound-true",
    "bound-always-met",
    "bound-never-met",
    "require-empty",
    "require-missing",
    "require-not-a-list",
    "requirement-not-a-mapping",
    "severity-misspelt",
    "enforce-unknown",
    "no-bound",
    "by-on-one-number",
    "by-not-text",
    "by-empty-family",
    "parameter-unknown",
    "parameter-of-the-wrong-type",
    "key-misspelt-in-requirement",
    "against-without-margin",
    "margin-negative",
    "comparisons-at-once",
    "confidence-out-of-range",
    "id-with-spaces",
    "epochs-out-of-range",
    "candidate-missing",
    "task-unknown",
    "name-with-slash",
    "role-with-slash",
    "tier-out-of-range",
    "seed-negative",
    "sensitive-not-a-list",
    "column-a-number",
    "trust-unknown",
    "valid-for-years",
    "digest-too-short",
    "not-measured-without-reason",
]
"""Bad policies whose mistake a schema can tell."""
SKELETON = """\
policy: example
datasets: {{train: {{path: train.csv}}, test: {{path: test.csv}}, production: {{path: production.csv}}}}
columns: {{id: id, text: text, label: label, sensitive: [gender]{classes}}}
candidate: {{task: {task}, {candidate}}}
require:
  {example}
"""


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    """The schema, itself valid."""
    made = schema_json(discover())
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def tree(text: str) -> Any:
    return flatten(parse(text, "policy.yaml")[0])[0]


@pytest.mark.parametrize("check_id", discover())
def test_the_example_of_every_check_is_a_valid_policy(check_id: str, schema: jsonschema.Draft202012Validator, tmp_path: Path) -> None:
    """For the loader and for the schema, as `audit explain` and docs/checks.md show it."""
    check = discover()[check_id]
    task = check.tasks[0] if check.tasks else "text-classification"
    kind, classes = ("sklearn", "") if task == "tabular-regression" else ("transformers", ", positive: yes")
    candidate = "fine_tune: {base: minilm, on: train}" if "base" in check.needs else f"load: {{kind: {kind}, path: model}}"
    text = SKELETON.format(task=task, candidate=candidate, classes=classes, example=example(check_id, check))
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    assert load_policy(tmp_path / "policy.yaml").policy.require[0].check == check_id
    schema.validate(tree(text))


@pytest.mark.parametrize("path", sorted((ROOT / "policies").glob("*.yaml")), ids=lambda path: path.name)
def test_the_policies_of_the_repository_are_valid(
    path: Path, schema: jsonschema.Draft202012Validator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    load_policy(path)
    schema.validate(tree(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", SHAPE)
def test_the_schema_refuses_what_it_can(name: str, schema: jsonschema.Draft202012Validator) -> None:
    text = (ROOT / f"fixtures/policies/bad/{name}.yaml").read_text(encoding="utf-8")
    assert list(schema.iter_errors(tree(text)))


def test_a_policy_that_extends_may_leave_out_what_its_base_says(schema: jsonschema.Draft202012Validator) -> None:
    schema.validate(yaml.safe_load("{extends: base.yaml, policy: mine, require: [{check: performance/accuracy, severity: low}]}"))


def test_every_key_and_parameter_is_described() -> None:
    made = schema_json(discover())
    described = {f"{name}.{key}": one for name, part in made["$defs"].items() for key, one in part.get("properties", {}).items()}
    described |= made["properties"]
    for branch in made["$defs"]["Requirement"]["allOf"]:
        check_id = branch["if"]["properties"]["check"]["const"]
        described |= {f"{check_id}.{key}": branch["then"]["properties"][key] for key in discover()[check_id].params.model_fields}
    assert [key for key, one in described.items() if not one.get("description")] == []


def test_the_schema_is_plain_json() -> None:
    json.dumps(schema_json(discover()), allow_nan=False)
