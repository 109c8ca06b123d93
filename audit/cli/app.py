"""The commands. The only file that prints results or exits; whatever is heavy is imported inside a command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from audit import __version__
from audit.cli import bundles, evidence_chain, monitor, profiles, promotion
from audit.cli.base import (
    Address,
    AllowOutside,
    ColumnRoles,
    EngineOption,
    FurtherData,
    Out,
    Policies,
    PolicyFile,
    Reading,
    Seed,
    app,
    command,
    paint,
    say,
    width,
)
from audit.cli.display import display, progress
from audit.cli.exit_codes import BROKEN, GOOD, USAGE, ci_commands_spelt_out, guarded, remark, tell
from audit.cli.settings import option_defaults
from audit.errors import InputError, PolicyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.commands.check import CheckRequest

__all__ = ["app", "main"]

_FORMATS = "a further format, such as junit, sarif, github or markdown; json and jsonl print in place of the table"
_SHELLS = ("bash", "zsh", "fish")
_COMPLETE = "_AUDIT_COMPLETE"
"""The variable in which a shell asks what may follow."""
_INTERRUPTED = 130
"""What newer versions of typer return for Ctrl-C; older ones raise Abort."""


def _version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it with the option's value
    if wanted:
        say([f"audit {__version__}"])
        raise typer.Exit(GOOD)


@app.callback()
def _options(
    context: typer.Context,
    _wanted: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version")] = False,  # noqa: FBT002  # an option
) -> None:
    context.default_map = option_defaults()


@command()
def validate(policies: Policies, out: Out = Path("reports"), allow_outside: AllowOutside = False) -> int:  # noqa: FBT002  # an option
    """Check policies with their waivers, or one waiver by itself, and show every mistake at its place."""
    from audit.cli import runs

    return runs.each(runs.policy_files(policies), lambda path: _validate(path, out, allow_outside=allow_outside), runs.VALIDITY)


def _validate(policy: Path, out: Path, *, allow_outside: bool) -> int:
    from audit.commands import validate as validate_command
    from audit.commands import waivers
    from audit.governance import waiver_files
    from audit.ledger import ledger_path
    from audit.monitor import retraining
    from audit.pipeline.compatibility import load_policy

    if waiver_files.is_waiver(policy):
        say(waivers.checked(policy))
        return GOOD
    loaded = load_policy(policy, allow_outside=allow_outside)
    retraining.refuse_missing_policy(loaded)
    remark(validate_command.warnings(loaded))
    remark(waivers.of_policy(loaded, ledger_path(out)))
    remark(validate_command.since_promotion(loaded, ledger_path(out)))
    remark(validate_command.unknown_bundles(out, ledger_path(out)))
    if not display.quiet:
        count = len(loaded.policy.require)
        say([f"{policy}: valid, {count} requirement{'s' if count > 1 else ''}"])
    return GOOD


@command("plan")
def outlook(
    policy: PolicyFile,
    expect: Annotated[list[str] | None, typer.Option("--expect", metavar="ID=VALUE", help="true value expected of a requirement")] = None,
    pilot: Annotated[Path | None, typer.Option("--pilot", metavar="BUNDLE", help="expect what an earlier bundle measured")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="leave out counts by optional parts, which may take minutes")] = False,  # noqa: FBT002  # an option
    out: Out = Path("reports"),
    allow_outside: AllowOutside = False,  # noqa: FBT002  # an option
) -> int:
    """Say what each requirement can prove with the data there is, before any model is trained."""
    from audit.cli.plan_table import lines
    from audit.power import PlanOptions, plan_policy

    found = plan_policy(PlanOptions(policy, expect or (), pilot, quick, out, allow_outside), progress())
    paint(lines(found, width()))
    if found.mistakes:
        tell(PolicyError(found.mistakes).lines)
    return USAGE if found.mistakes else GOOD


@command()
def run(
    policies: Policies,
    out: Out = Path("reports"),
    formats: Annotated[list[str] | None, typer.Option("--format", metavar="F", help=_FORMATS)] = None,
    select: Annotated[list[str] | None, typer.Option("--select", metavar="ID", help="run this requirement only; never exits 0")] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="checks at a time")] = 1,
    engine: EngineOption = "local",
    address: Address = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="try every check on a few rows; never exits 0")] = False,  # noqa: FBT002  # an option
    changed_since: Annotated[
        Path | None, typer.Option("--changed-since", metavar="BUNDLE", help="say what was reused and what was measured anew since this run")
    ] = None,
    allow_outside: AllowOutside = False,  # noqa: FBT002  # an option
) -> int:
    """Run the whole audit of each policy, print the decision and write the bundle. Of several, the worst exit code: 3, 2, 1, 4, 0."""
    from audit.cli import runs
    from audit.cli.worker import supervised
    from audit.export import chosen
    from audit.ledger import Ledger, ledger_path
    from audit.pipeline import record
    from audit.pipeline.engine import chosen_engine
    from audit.pipeline.run import Options

    where = chosen_engine(engine, address)
    if str(out) == "-":
        msg = "-o -: a bundle is a folder: name one, and let `--format json` print the results"
        raise InputError(msg)
    exports, files = chosen(formats or ()), runs.policy_files(policies)
    if len(files) > 1 and (changed_since is not None or any(one.name == "json" for one in exports)):
        msg = "--changed-since and --format json are of one run, and several policies are named: name one, or take --format jsonl"
        raise InputError(msg)

    def one(path: Path) -> int:
        said = " ".join(["audit", *sys.argv[1:]])
        options = Options(out, said, tuple(select or ()), smoke, jobs, allow_outside, exports, engine=where, address=address)
        code = supervised(lambda: guarded(lambda: runs.audit(path, options, changed_since)))
        if code == GOOD:  # whatever ran in the other process may lie
            record.refuse_unproven(out, Ledger(ledger_path(out)), options.token)
        return code

    runs.tell_of_new_ledger(out)
    return runs.each(files, one, err=any(each.instead for each in exports))


@command()
def check(
    check_id: Annotated[str, typer.Argument(metavar="CHECK_ID", help="a check, such as performance/accuracy")],
    data: Annotated[Path, typer.Option("--data", metavar="FILE", help="CSV, Parquet or JSON lines")],
    param: Annotated[list[str] | None, typer.Option("--param", metavar="K=V", help="a parameter of the check")] = None,
    minimum: Annotated[float | None, typer.Option("--min", metavar="X", help="inclusive lower bound")] = None,
    maximum: Annotated[float | None, typer.Option("--max", metavar="X", help="inclusive upper bound")] = None,
    by: Annotated[list[str] | None, typer.Option("--by", metavar="COLUMN", help="slices or groups; a,b crosses two columns")] = None,
    column: ColumnRoles = None,
    dataset: FurtherData = None,
    reading: Reading = None,
    seed: Seed = 0,
) -> int:
    """Run one check without a policy. With a bound: 0 pass, 1 not, 3 not measured. Without: 0, measured and not judged."""
    from audit.cli.worker import supervised
    from audit.commands.check import CheckRequest

    lists = (param or (), column or (), dataset or (), by or ())
    asked = CheckRequest(check_id, data, *lists, minimum, maximum, seed, reading=reading or (), workers=1)
    return supervised(lambda: guarded(lambda: _one_check(asked)))


def _one_check(asked: CheckRequest) -> int:
    """One check in the supervised process."""
    import contextlib

    from audit.cli import summary
    from audit.commands import check as check_command

    remarks: list[str] = []
    if asked.minimum is None and asked.maximum is None:
        with contextlib.redirect_stdout(sys.stderr):
            evidence = check_command.measured(asked, remarks.append)
        paint((*summary.evidence_lines(asked.check, evidence, asked.confidence), *summary.remark_lines(remarks)))
        return GOOD
    with contextlib.redirect_stdout(sys.stderr):
        finding = check_command.judged(asked, remarks.append)
    paint((*summary.finding_lines(finding), *summary.remark_lines(remarks)))
    return {"pass": GOOD, "fail": 1, "inconclusive": 1}.get(finding.status, BROKEN)


@command()
def schema() -> int:
    """Print the JSON Schema of policies, for editors."""
    from audit import catalog
    from audit.commands.docs_pages import schema_page

    say(schema_page(catalog.discover()).splitlines())
    return GOOD


@command()
def checks(check: Annotated[str | None, typer.Argument(metavar="ID", help="explain this check alone")] = None) -> int:
    """List every check: its bound's side, its unit, its question."""
    from audit import catalog
    from audit.cli.terminal import catalogue

    if check is not None:
        return explain(check)
    say(catalogue(catalog.discover()))
    return GOOD


@command()
def explain(check: Annotated[str, typer.Argument(metavar="ID", help="a check, such as performance/accuracy")]) -> int:
    """Say what a check measures, what it takes and how a policy asks for it."""
    from audit.cli.terminal import explanation
    from audit.commands.explain import explain as explained

    say(explanation(explained(check)))
    return GOOD


@command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="folder with the data and the model")] = Path(),
    name: Annotated[str | None, typer.Option("--name", help="name of the policy; the folder's where absent")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="ROLE=NAME", help="which column is the label, the prediction, ...")
    ] = None,
) -> int:
    """Write a commented starter policy for the data and the model in a folder."""
    from audit.commands import check as check_command
    from audit.commands import init as init_command

    here = sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()
    unused: list[str] = []
    path = init_command.write(
        folder,
        name,
        check_command.pairs("--column", column or []),
        ask=_ask if here else None,
        on_left_out=lambda one, why: unused.append(f"  left out: {one}: {why}"),
    )
    say([f"{path}: written; set its bounds, then: audit run {path}", *unused])
    return GOOD


@command()
def overview(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="CSV, Parquet or JSON lines")],
    column: ColumnRoles = None,
    dataset: FurtherData = None,
    reading: Reading = None,
    seed: Seed = 0,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="write a proposed policy whose bounds are left open")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="F", help="table or json")] = "table",
) -> int:
    """Measure every check that fits the data, judge nothing, and name every check that was left out."""
    from audit.cli.worker import supervised
    from audit.commands.check import CheckRequest

    if form not in {"table", "json"}:
        msg = f"--format {form}: there is table, json"
        raise InputError(msg)
    asked = CheckRequest("", data, (), column or (), dataset or (), seed=seed, reading=reading or (), workers=1)
    return supervised(lambda: guarded(lambda: _overview(asked, policy, form)))


def _overview(asked: CheckRequest, policy: Path | None, form: str) -> int:
    """An overview in the supervised process."""
    import contextlib

    from audit import progress
    from audit.cli.overview_table import json_lines, lines
    from audit.commands import overview as overview_command

    with contextlib.redirect_stdout(sys.stderr):
        found = overview_command.overview(asked, progress.on_stderr())
        if policy is not None:
            overview_command.write_policy(found, policy)
    if form == "json":
        say(json_lines(found))
    else:
        paint(lines(found))
    if policy is not None:
        tell([f"{policy}: written; its bounds are open: set each, then: audit validate {policy}"])
    return GOOD


command()(profiles.profile)


def _ask(question: str, suggestion: str) -> str:
    """An answer from the terminal; Enter takes the suggestion."""
    from audit.formatting import neutral

    answer: str = typer.prompt(neutral(question), default=neutral(suggestion), show_default=bool(suggestion), err=True)
    return answer.strip()


@command()
def doctor() -> int:
    """Show versions, extras, offline resources and licences."""
    from audit.cli.terminal import diagnosis
    from audit.commands.doctor import diagnose

    say(diagnosis(diagnose()))
    return GOOD


for _command_of_chain in (
    *(evidence_chain.keygen, evidence_chain.waive, evidence_chain.review),
    *(evidence_chain.sign, evidence_chain.verify, evidence_chain.replay),
):
    command()(_command_of_chain)
command()(monitor.monitor)
for _command_after_the_run in (promotion.promote, promotion.rollback, bundles.diff, bundles.report, bundles.history):
    command()(_command_after_the_run)


@command()
def completion(shell: Annotated[str, typer.Argument(metavar="SHELL", help="bash, zsh or fish")]) -> int:
    """Print the script by which a shell completes commands and options: `audit completion bash >> ~/.bashrc`."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]  # typer re-exports it without saying so

    if shell not in _SHELLS:
        msg = f"{shell}: give one of {', '.join(_SHELLS)}"
        raise InputError(msg)
    say(get_completion_script(prog_name="audit", complete_var=_COMPLETE, shell=shell).splitlines())
    return GOOD


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode shows escapes
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: threads that spin are ten times slower on a busy machine
    sys.exit(guarded(lambda: _command(arguments)))


def _command(arguments: Sequence[str] | None) -> int:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # a shell closed it: what is said is lost, the exit code is not
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # it stays open to the end
    display.reset()
    if _COMPLETE in os.environ and not (sys.argv[1:] if arguments is None else arguments):  # a command that is named is run
        _complete()
    try:
        with ci_commands_spelt_out():
            code: int = typer.main.get_command(app).main(arguments, prog_name="audit", standalone_mode=False)
    except SystemExit as end:  # typer's answer to a closed pipe, which would read as a verdict
        raise BrokenPipeError from end
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    sys.stdout.flush()
    return code


def _complete() -> NoReturn:
    """Answer a shell, and end: nothing is run."""
    from typer.completion import completion_init  # type: ignore[attr-defined]  # typer re-exports it without saying so

    completion_init()
    typer.main.get_command(app)(prog_name="audit", complete_var=_COMPLETE)
    msg = f"{_COMPLETE}: it asks for no completion: unset it"
    raise InputError(msg)
