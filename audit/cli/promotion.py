"""The commands that move a registry's aliases."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audit.cli.base import say
from audit.cli.exit_codes import GOOD, tell

if TYPE_CHECKING:
    from audit.commands.promote import Outcome

REFUSED = 1
"""Something that a promotion or rollback asks for does not hold."""


def promote(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="folder that a run wrote, with its signatures")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="REGISTRY", help="folder:PATH or mlflow:URI; by default what the policy names")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="of the model; by default the policy's")] = None,
    key: Annotated[
        list[Path] | None, typer.Option("--key", metavar="TRUSTED", help="public keys that count, in place of the policy's trust.keys")
    ] = None,
    artefact: Annotated[
        Path | None, typer.Option("--artefact", metavar="PATH", help="where the candidate's file or folder lies now")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="folder of the ledger: by default the bundle's")] = None,
) -> int:
    """Make an audited candidate the champion: verified, signed by the quorum, valid, and byte for byte the audited one. 1 if refused."""
    from audit.commands.promote import PromotionRequest
    from audit.commands.promote import promote as promoted

    return _ended(promoted(PromotionRequest(bundle, to, name, key or (), artefact, out)))


def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help="of the model, by default its policy's")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="REGISTRY", help="folder:PATH or mlflow:URI; by default that of its last promotion")
    ] = None,
    drill: Annotated[bool, typer.Option("--drill", help="do everything but move the aliases, and record the drill")] = False,  # noqa: FBT002  # an option
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="folder of the ledger")] = Path("reports"),
) -> int:
    """Make the previous version the champion again, in one step, once its files are known to be those that were promoted."""
    from audit.commands.promote import RollbackRequest, roll_back

    return _ended(roll_back(RollbackRequest(name, to, drill, out)))


def _ended(outcome: Outcome) -> int:
    say(outcome.lines)
    tell(f"refused: {line}" for line in outcome.problems)
    return REFUSED if outcome.problems else GOOD
