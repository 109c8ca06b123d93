"""Delivery of a window's outcome: a webhook, a text file for Prometheus, GitHub's and GitLab's own files, a message file for mail.

Webhook and mail are for people, who hear what is new; the others hold the state of every window. The ledger keeps what was delivered.
A delivery that fails is told, and tried again by the next call for the same window. None of them changes what was decided.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from audit import DISTRIBUTION, __version__
from audit.bundle import reader
from audit.errors import AuditError
from audit.export import github, gitlab
from audit.ledger import times
from audit.monitor.message import TITLES, message, news

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping

    from audit.ledger import Entry, Ledger
    from audit.monitor.message import Message
    from audit.policy.monitoring import Notify
    from audit.record import AuditRun, MonitorFacts

Channel: TypeAlias = Literal["webhook", "prometheus", "github", "gitlab", "email"]
_TRIES, _PAUSE, _TIMEOUT = 3, 0.5, 10.0
"""Of a webhook: tries, seconds before the second one (twice as many before each further one), seconds for an answer."""
_NO_ADDRESS = "no address of http or https: ASCII without spaces, name or password"
_ENV = re.compile(r"\$\{([A-Za-z_]\w*)\}")
_SLACK = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LONGEST_TEXT, _LONGEST_HEADER = 2900, 150
"""Characters of one block of a message, and of its header: Slack takes 3,000 and 150."""
STATES = {"quiet": 0, "rising": 1, "watch": 2, "alarm": 3}
"""A signal's state as a number for charts."""


KIND = "notification"
"""Kind of an entry of the ledger that says on which channels a run was told."""


class UndeliveredError(Exception):
    """A channel could not be served; the text says why and names no secret."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What became of the channels of one window."""

    done: tuple[Channel, ...]
    problems: tuple[str, ...]


def channels(spec: Notify | None, facts: MonitorFacts) -> tuple[Channel, ...]:
    """Those that this window is to be told on."""
    if spec is None:
        return ()
    wanted: dict[Channel, object] = {
        "prometheus": spec.prometheus,
        "github": spec.github,
        "gitlab": spec.gitlab,
        "webhook": spec.webhook if news(facts) else None,
        "email": spec.email if news(facts) else None,
    }
    return tuple(name for name, place in wanted.items() if place)


def delivered(entries: Iterable[Entry], run: str) -> frozenset[str]:
    """Channels on which a run was told before."""
    told = (json.loads(one.payload) for one in entries if one.kind == KIND)
    return frozenset(name for one in told if one.get("run") == run for name in one["channels"])


def folders(spec: Notify | None, resolve: Callable[[str], Path]) -> Iterator[Path]:
    """Where files are written."""
    if spec is None:
        return
    named = (spec.prometheus, spec.gitlab, None if spec.email is None else spec.email.file)
    yield from (resolve(path).parent for path in named if path)
    yield from (Path(file).parent for file in _github_files() if spec.github)


def tell(ledger: Ledger, out: Path, run: str, audit: AuditRun | None, resolve: Callable[[str], Path]) -> tuple[str, ...]:
    """Serve the channels of a window's run that were not served before, and keep in the ledger which were; problems in words.

    `audit` is read from the run's bundle where it is None. A bundle that was moved away is told no more.
    """
    if audit is None:
        with suppress(AuditError):
            audit = reader.audit_run(out / run)
    if audit is None or audit.monitor is None:
        return ()
    before = delivered(ledger.verified(), run)
    found = deliver(audit, audit.monitor, str(out / run / "report.html"), resolve, delivered=before)
    if found.done:
        payload = {"policy": audit.policy.policy, "run": run, "channels": list(found.done)}
        ledger.append(times.now().isoformat(timespec="seconds"), KIND, payload)
    return found.problems


def deliver(
    audit: AuditRun, facts: MonitorFacts, report: str, resolve: Callable[[str], Path], *, delivered: Container[str] = ()
) -> Deliveries:
    """Serve every channel that is due and was not served before.

    `report` says where the report lies; `resolve` places a path of the policy.
    """
    spec = None if audit.policy.monitor is None else audit.policy.monitor.notify
    done, problems = list[Channel](), list[str]()
    for name in channels(spec, facts):
        if spec is None or name in delivered:
            continue
        try:
            _serve(name, spec, audit, facts, report, resolve)
        except (UndeliveredError, OSError) as error:
            problems.append(f"monitor.notify.{name}: not delivered ({error}): mend it and call again with the same window")
        else:
            done.append(name)
    return Deliveries(tuple(done), tuple(problems))


def _serve(name: Channel, spec: Notify, audit: AuditRun, facts: MonitorFacts, report: str, resolve: Callable[[str], Path]) -> None:
    if name == "webhook" and spec.webhook is not None:
        post(spec.webhook, slack(message(audit, facts), report))
    elif name == "email" and spec.email is not None:
        written(resolve(spec.email.file), mail(message(audit, facts), report, spec.email.sender, spec.email.to))
    elif name == "prometheus" and spec.prometheus is not None:
        written(resolve(spec.prometheus), metrics(audit, facts).encode())
    elif name == "gitlab" and spec.gitlab is not None:
        written(resolve(spec.gitlab), gitlab.text(audit).encode("utf-8", "backslashreplace"))
    elif name == "github":
        _tell_github(audit, facts)


def slack(told: Message, report: str) -> dict[str, object]:
    """The JSON of a message as Slack and what imitates it take it: a text for notifications, and blocks of Markdown."""
    blocks: list[dict[str, object]] = [{"type": "header", "text": {"type": "plain_text", "text": told.title[:_LONGEST_HEADER]}}]
    sections = (("", told.lines), ("*What to do*\n", told.actions), ("", (f"Report: {report}",)))
    for head, lines in sections:
        text = head + "\n".join(f"• {_escaped(line)}" for line in lines)
        if lines:
            blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text[:_LONGEST_TEXT]}})
    return {"text": _escaped(told.title), "blocks": blocks}


def _escaped(text: str) -> str:
    return re.sub("[&<>]", lambda found: _SLACK[found[0]], text)


def post(address: str, body: Mapping[str, object]) -> None:
    """Send JSON; tried again where the network or the server is at fault. A redirect is refused: it would carry the message elsewhere."""
    place = _address(address)
    content = json.dumps(body, ensure_ascii=True).encode()
    agent = f"{DISTRIBUTION}/{__version__}"
    request = urllib.request.Request(place, content, {"Content-Type": "application/json", "User-Agent": agent})  # noqa: S310  # http and https alone, by _address
    opener = urllib.request.build_opener(_NoRedirect)
    problem = ""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE * 2 ** (attempt - 1))
        try:
            with opener.open(request, timeout=_TIMEOUT):
                return
        except urllib.error.HTTPError as error:
            problem = f"{urlsplit(place).hostname} answers {error.code}"
            error.close()
            if error.code < http.client.INTERNAL_SERVER_ERROR and error.code != http.client.TOO_MANY_REQUESTS:
                break
        except (http.client.InvalidURL, ValueError):  # their texts repeat the address
            raise UndeliveredError(_NO_ADDRESS) from None
        except (OSError, http.client.HTTPException) as error:
            problem = f"{urlsplit(place).hostname} cannot be reached: {getattr(error, 'reason', error)}"
    raise UndeliveredError(problem)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def _address(address: str) -> str:
    """With the values of `${NAME}`, which no message repeats."""
    missing = [name for name in _ENV.findall(address) if name not in os.environ]
    if missing:
        msg = f"the environment has no {', '.join(missing)}"
        raise UndeliveredError(msg)
    place = _ENV.sub(lambda found: os.environ[found[1]], address)
    try:
        parts = urlsplit(place)
        right = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and place.isascii()
        right = right and (parts.port is None or parts.port > 0)
    except ValueError:  # its text repeats the address
        right = False
    if not right:
        raise UndeliveredError(_NO_ADDRESS)
    return place


def mail(told: Message, report: str, sender: str, to: tuple[str, ...]) -> bytes:
    """A message (RFC 5322) that `sendmail -t` or any mail program sends as it stands."""
    made = EmailMessage(policy=SMTP)
    made["Subject"] = told.title
    made["From"], made["To"] = sender, ", ".join(to)
    made["Date"] = times.now()
    made["Auto-Submitted"] = "auto-generated"
    parts = ["\n".join(f"- {line}" for line in lines) for lines in (told.lines, told.actions) if lines]
    body = "\n\nWhat to do:\n".join(parts) + f"\n\nReport: {report}\n"
    made.set_content(body.encode("utf-8", "backslashreplace").decode())
    return bytes(made)


def written(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: whoever reads it never sees a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)  # a collector of another user reads it
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def metrics(audit: AuditRun, facts: MonitorFacts) -> str:
    """The text format of Prometheus, for the textfile collector of its node exporter."""
    policy = audit.policy.policy
    rows: list[tuple[str, str, list[tuple[dict[str, str], float]]]] = [
        ("outcome", "1 for the outcome of the newest window", [({"outcome": one}, float(one == facts.outcome)) for one in TITLES]),
        ("exit_code", "exit code of the newest call", [({}, float(audit.verdict.exit_code))]),
        ("windows_total", "windows counted so far", [({}, float(facts.window.number))]),
        ("windows_missing", "windows that never came", [({}, float(len(facts.missing)))]),
        ("window_rows", "rows of the newest window", [({}, float(facts.window.rows))]),
        ("call_timestamp_seconds", "when the newest window was audited", [({}, times.now().timestamp())]),
        ("retraining_due", "1 where a new training is due", [({}, float(facts.retraining is not None))]),
    ]
    named = [({"requirement": one.requirement, "member": "" if one.member is None else str(one.member)}, one) for one in facts.signals]
    rows += [
        ("signal_state", "0 quiet, 1 rising, 2 watch, 3 alarm", [(label, float(STATES[one.state])) for label, one in named]),
        ("signal_evidence_ratio", "evidence over its threshold: 1 alarms", [(label, one.evidence / one.threshold) for label, one in named]),
        (
            "finding_value",
            "value of each requirement in the newest window",
            [({"requirement": one.id}, one.headline.value) for one in audit.findings if one.headline is not None and one.headline.n],
        ),
    ]
    lines = []
    for name, what, series in rows:
        kind = "counter" if name.endswith("_total") else "gauge"
        lines += [f"# HELP audit_monitor_{name} {what}", f"# TYPE audit_monitor_{name} {kind}"]
        lines += [f"audit_monitor_{name}{{{_labels({'policy': policy} | label)}}} {value!r}" for label, value in series]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_label(value)}"' for name, value in labels.items())


def _label(value: str) -> str:
    plain = value.encode("utf-8", "backslashreplace").decode()
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _github_files() -> tuple[str, ...]:
    return tuple(file for file in (os.environ.get("GITHUB_OUTPUT"), os.environ.get("GITHUB_STEP_SUMMARY")) if file)


def _tell_github(audit: AuditRun, facts: MonitorFacts) -> None:
    """Outputs of the step and its summary; the annotations go to standard output with `--format github`."""
    output, summary = os.environ.get("GITHUB_OUTPUT"), os.environ.get("GITHUB_STEP_SUMMARY")
    if not output:
        raise UndeliveredError("GITHUB_OUTPUT is not set: this is no step of GitHub Actions")
    told = {"outcome": facts.outcome, "window": facts.window.key, "exit-code": str(audit.verdict.exit_code)}
    told |= {"alarms": str(sum(one.state == "alarm" for one in facts.signals)), "retraining": str(facts.retraining is not None).lower()}
    with Path(output).open("a", encoding="utf-8") as file:
        file.write("".join(f"{name}={re.sub(r'[^ -~]', '?', value)}\n" for name, value in told.items()))
    if summary:
        with Path(summary).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(github.summary(audit))
