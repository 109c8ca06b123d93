"""Policies: what must hold of a candidate. Read with positions, checked whole, every mistake told at once."""

from audit.commands.json_schema import schema_json
from audit.pipeline.compatibility import check_against_catalog
from audit.policy.loading import LoadedPolicy, load

__all__ = ["LoadedPolicy", "check_against_catalog", "load", "schema_json"]
