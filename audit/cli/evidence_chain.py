"""The commands of the evidence chain: keys, waivers, signatures, and what is verified of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from audit.cli.base import AllowOutside, say
from audit.cli.exit_codes import GOOD
from audit.errors import InputError


def keygen(
    name: Annotated[str, typer.Option("--name", metavar="N", help="whose key it is, as approvals name them")],
    line: Annotated[int, typer.Option("--line", min=1, max=3, help="line of defence: 1 owns, 2 validates independently, 3 audits")],
    role: Annotated[str | None, typer.Option("--role", metavar="R", help="the only role it may sign in, such as executive")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="folder of both files")] = Path(),
) -> int:
    """Make a person's pair of keys: N.key, to be kept secret, and N.pub, for a policy to name under trust.keys."""
    from audit.commands import waivers

    say(waivers.keygen(name, line, role, out, lambda file: _passphrase(file, confirm=True)))
    return GOOD


def waive(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="folder that a run wrote")],
    finding: Annotated[str, typer.Argument(metavar="FINDING", help="id of the finding")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="folder of the waivers")] = Path("waivers"),
) -> int:
    """Write the draft of a waiver for a finding. It is void until people have filled it in and signed it."""
    from audit.commands import waivers

    say(waivers.waive(bundle, finding, out))
    return GOOD


def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a bundle, a waiver, or a policy that is looser than the promoted one")],
    key: Annotated[Path, typer.Option("--key", metavar="K", help="your private key; the public one lies beside it")],
    role: Annotated[str, typer.Option("--role", metavar="R", help="in which role: of a bundle owner, independent-reviewer or executive")],
    independent: Annotated[bool | None, typer.Option(help="else by line, and who asked for it", show_default=False)] = None,
    requested_by: Annotated[str | None, typer.Option(metavar="N", help="who asked for a policy's change; its author where absent")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="folder of the ledger: by default the bundle's, or reports")
    ] = None,
    allow_outside: AllowOutside = False,  # noqa: FBT002  # an option
) -> int:
    """Put your signature under a bundle, under a waiver, or under what a policy loosens since the last promotion that the ledger holds."""
    from audit.commands.sign import ChangeRequest, Signing, is_policy, sign_policy, sign_waiver
    from audit.commands.sign_bundle import sign_bundle
    from audit.ledger import Ledger, ledger_path, times

    signing = Signing(key, role, independent, _passphrase)
    if file.is_dir():
        if requested_by is not None or independent is not None:
            msg = "--requested-by and --independent are for policies and waivers; a bundle's role says who is independent"
            raise InputError(msg)
        say(sign_bundle(file, signing, Ledger(ledger_path(out or file.resolve().parent)), times.now()))
        return GOOD
    if is_policy(file):
        say(sign_policy(file, signing, ChangeRequest(ledger_path(out or Path("reports")), requested_by, allow_outside), times.now()))
        return GOOD
    if requested_by is not None:
        msg = "--requested-by is for policies; a waiver says itself who asked for it"
        raise InputError(msg)
    say([sign_waiver(file, signing, times.now())])
    return GOOD


def review(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="folder that a run wrote")],
    key: Annotated[Path, typer.Option("--key", metavar="K", help="your private key; the public one lies beside it")],
    answers: Annotated[
        Path | None, typer.Option("--answers", metavar="FILE", help="YAML or JSON: a judgement of each finding, in place of the dialogue")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="folder of the ledger: by default the bundle's")] = None,
) -> int:
    """Judge each finding of a bundle before its status is shown; sign the review and record it. 3 where it was stopped."""
    from audit.cli.review import AtTerminal
    from audit.commands import review as review_command
    from audit.ledger import Ledger, ledger_path, times

    if answers is None and not sys.stdin.isatty():
        msg = f"{bundle}: a review asks at a terminal; in a script name a file of judgements with --answers"
        raise InputError(msg)
    reviewer = AtTerminal() if answers is None else review_command.read_answers(answers, bundle)
    ledger = Ledger(ledger_path(out or bundle.resolve().parent))
    say(review_command.review_bundle(bundle, (key, _passphrase), reviewer, ledger, times.now()))
    return GOOD


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="folder that a run wrote, with its signatures")],
    key: Annotated[list[Path], typer.Option("--key", metavar="TRUSTED", help="a public key that you trust, or a folder of .pub files")],
    ledger: Annotated[
        str | None, typer.Option("--ledger", metavar="L", help="its file or address: by default AUDIT_LEDGER, or the one beside the bundle")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="F", help="text or json")] = "text",
) -> int:
    """Verify a bundle offline: bytes, signatures, quorum, dates, waivers, ledger. 0 if all that is required holds, else 1."""
    from audit.commands import verify as verify_command

    _refuse_form("verify", form)
    found = verify_command.verify(bundle, key, ledger)
    say(verify_command.lines(bundle, found) if form == "text" else verify_command.as_json(bundle, found).splitlines())
    return GOOD if found.ok else 1


def replay(
    bundles: Annotated[list[Path], typer.Argument(metavar="BUNDLE...", help="folders that runs wrote")],
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="NEW", help="ask which of these releases would flip under this policy")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="F", help="text or json")] = "text",
    allow_outside: AllowOutside = False,  # noqa: FBT002  # an option
) -> int:
    """Judge the stored evidence again, and measure again what needs predictions alone. 0 all the same, 1 something differs, 3 cannot."""
    from audit.commands import replay as replay_command

    _refuse_form("replay", form)
    if policy is not None:
        under = replay_command.under(policy, bundles, allow_outside=allow_outside)
        say(replay_command.under_lines(under) if form == "text" else replay_command.as_json(under).splitlines())
        return 1 if any(one.flips for one in under) else GOOD
    found = replay_command.replayed(bundles)
    say(replay_command.lines(found) if form == "text" else replay_command.as_json(found).splitlines())
    return GOOD if all(one.same for one in found) else 1


def _refuse_form(command: str, form: str) -> None:
    if form not in {"text", "json"}:
        msg = f"--format {form}: {command} prints text or json"
        raise InputError(msg)


def _passphrase(file: str, *, confirm: bool = False) -> str | None:
    """The passphrase of a key, from whoever sits at the terminal; None where nobody does."""
    if not sys.stdin.isatty():
        return None
    more = " (nothing: the key is not protected)" if confirm else ""
    found: str = typer.prompt(
        f"Passphrase of {file}{more}", hide_input=True, err=True, default="", show_default=False, confirmation_prompt=confirm
    )
    return found or None
