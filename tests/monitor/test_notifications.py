"""Outcomes reach real receivers whole, hostile names stay text, and a channel that fails is told and tried again."""

from __future__ import annotations

import email
import email.policy
import json
import shutil
import smtplib
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit.evidence import Slice
from audit.monitor import notifications
from audit.monitor.message import message, news
from audit.policy.monitoring import Monitor
from audit.record import AuditRun, BudgetFacts, MonitorFacts, Retraining, Signal, WindowFacts
from tests.receiver import receiver
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.monitor.notifications import Deliveries

KEY = "2026-11-30"
ACCURACY = example.ACCURACY.id
HOSTILE = 'x"\n\\ <script>&*::error::|`é\u202e'
NODE_EXPORTER = shutil.which("prometheus-node-exporter")
MAIL = {"file": "m/alarm.eml", "sender": "audit@example.org", "to": ["on-call@example.org", "lead@example.org"]}


def facts(outcome: Any = "roll-back", *, since: str | None = KEY, key: str = KEY, **changed: Any) -> MonitorFacts:
    window = WindowFacts(key, "2026-11-30T00:00:00+00:00", "2026-12-01T00:00:00+00:00", 500, labelled=True, late=False, number=31)
    member = Slice((("column", HOSTILE),))
    signal = Signal(ACCURACY, member, "alarm", 812.0, 365.0, 31, since=since, change="2026-11-24")
    quiet = Signal(ACCURACY, None, "quiet", 0.4, 365.0, 31)
    return replace(MonitorFacts(outcome, window, BudgetFacts(365, "day", 365.0), (quiet, signal)), **changed)


def run(**notify: Any) -> AuditRun:
    """A blocked run whose policy notifies."""
    made = example.block()
    card = {"call": "the on-call phone, 5550", "first_action": "Switch to the rules", "rollback": "audit rollback triage"}
    monitor = Monitor.model_validate({"notify": notify, "card": card})
    return replace(made, policy=made.policy.model_copy(update={"monitor": monitor}))


def deliver(folder: Path, audit: AuditRun, told: MonitorFacts, **more: Any) -> Deliveries:
    return notifications.deliver(audit, told, "reports/one/report.html", lambda path: folder / path, **more)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "_PAUSE", 0.0)


def test_a_webhook_gets_what_is_new_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's shape; the secret of the address comes from the environment; what a name holds is no mark-up."""
    monkeypatch.setenv("HOOK", "T0/secret")
    with receiver() as server:
        found = deliver(tmp_path, run(webhook=server.address + "/${HOOK}"), facts())
        ((path, body),) = server.got
    assert found == notifications.Deliveries(("webhook",), ())
    assert path == "/T0/secret"
    assert body["text"] == f"Roll back: {example.block().policy.policy}, window {KEY}"
    assert [one["type"] for one in body["blocks"]] == ["header", "section", "section", "section"]
    signals, actions, report = (one["text"]["text"] for one in body["blocks"][1:])
    assert signals.startswith("• Alarm: ")
    assert "(evidence 812, threshold 365). The change most likely began in window 2026-11-24." in signals
    assert "&lt;script&gt;&amp;" in signals
    assert "\n" not in signals, "one signal is one line"
    first, *others = actions.splitlines()[1:]
    assert first == "• Switch to the rules"
    assert others[-2:] == ["• audit rollback triage", "• Call the on-call phone, 5550."]
    assert report == "• Report: reports/one/report.html"


def test_people_hear_only_what_is_new(tmp_path: Path) -> None:
    """An alarm that goes on is no news; one that begins, missing evidence and a due training are."""
    assert news(facts())
    assert not news(facts(since="2026-11-29"))
    assert not news(facts("keep", signals=()))
    assert news(facts("incomplete", signals=()))
    assert news(facts("keep", signals=(), retraining=Retraining("the model is 90 days old", (KEY,), None)))
    with receiver() as server:
        assert deliver(tmp_path, run(webhook=server.address), facts(since="2026-11-29")) == notifications.Deliveries((), ())
        assert deliver(tmp_path, run(webhook=server.address), facts(), delivered={"webhook"}) == notifications.Deliveries((), ())
        assert server.got == []


@pytest.mark.parametrize(
    ("answers", "calls", "problem"),
    [
        ([500, 503, 200], 3, None),
        ([429, 200], 2, None),
        ([500], 3, "127.0.0.1 answers 500"),
        ([404], 1, "127.0.0.1 answers 404"),
        ([302], 1, "127.0.0.1 answers 302"),
    ],
)
def test_what_fails_is_tried_again_and_told(tmp_path: Path, answers: list[int], calls: int, problem: str | None) -> None:
    with receiver(*answers) as server:
        found = deliver(tmp_path, run(webhook=f"{server.address}/secret"), facts())
        assert len(server.got) == calls
    assert found.done == (() if problem else ("webhook",))
    assert [problem in one for one in found.problems if problem] == ([True] if problem else [])
    assert not any("secret" in one for one in found.problems), "the path of a webhook is its password"


@pytest.mark.parametrize(
    ("address", "told"),
    [("${NOT_THERE}", "the environment has no NOT_THERE"), ("file:///etc/passwd", "no address of http"), ("http://127.0.0.1:1", "reached")],
)
def test_addresses_that_lead_nowhere_are_told(tmp_path: Path, address: str, told: str) -> None:
    (problem,) = deliver(tmp_path, run(webhook=address), facts()).problems
    assert problem.startswith("monitor.notify.webhook: not delivered (")
    assert told in problem


def test_a_folder_in_the_way_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "audit.prom").mkdir()
    (problem,) = deliver(tmp_path, run(prometheus="audit.prom"), facts()).problems
    assert "monitor.notify.prometheus: not delivered" in problem
    assert [one.name for one in tmp_path.iterdir()] == ["audit.prom"]


@contextmanager
def smtp() -> Iterator[tuple[int, list[str]]]:
    """A mail server that takes one message."""
    took = list[str]()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve() -> None:
            with listener.accept()[0] as talk, talk.makefile("rwb") as stream:

                def say(text: str) -> None:
                    stream.write(text.encode() + b"\r\n")
                    stream.flush()

                say("220 test")
                while line := stream.readline():
                    if line[:4].upper() == b"DATA":
                        say("354 go on")
                        took.append(b"".join(iter(stream.readline, b".\r\n")).decode())
                    say("221 bye" if line[:4].upper() == b"QUIT" else "250 yes")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], took
        thread.join(5)


def test_the_message_file_is_mail(tmp_path: Path) -> None:
    """A mail server takes it as it stands, and it reads back with every line."""
    assert deliver(tmp_path, run(email=MAIL), facts()).done == ("email",)
    read = email.message_from_bytes((tmp_path / "m" / "alarm.eml").read_bytes(), policy=email.policy.default)
    with smtp() as (port, took), smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(read)
    (sent,) = took
    got = email.message_from_string(sent, policy=email.policy.default)
    assert got["To"] == "on-call@example.org, lead@example.org"
    assert got["Subject"] == f"Roll back: {example.block().policy.policy}, window {KEY}"
    assert isinstance(got, email.message.EmailMessage)
    body, told = got.get_content().replace("\r\n", "\n"), message(run(), facts())
    assert all(f"- {line}" in body for line in (*told.lines, *told.actions))
    assert "Report: reports/one/report.html" in body


def test_line_ends_in_a_name_make_no_header(tmp_path: Path) -> None:
    deliver(tmp_path, run(email=MAIL), facts("incomplete", key="2026\r\nBcc: all@example.org"))
    read = email.message_from_bytes((tmp_path / "m" / "alarm.eml").read_bytes(), policy=email.policy.default)
    assert read["Bcc"] is None


def metrics(text: str) -> dict[str, float]:
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))}


def test_the_text_file_of_prometheus(tmp_path: Path) -> None:
    assert deliver(tmp_path, run(prometheus="audit.prom"), facts(since="2026-11-29")).done == ("prometheus",)
    found = metrics((tmp_path / "audit.prom").read_text(encoding="utf-8"))
    policy = example.block().policy.policy
    assert found[f'audit_monitor_outcome{{policy="{policy}",outcome="roll-back"}}'] == 1
    assert found[f'audit_monitor_outcome{{policy="{policy}",outcome="keep"}}'] == 0
    assert found[f'audit_monitor_windows_total{{policy="{policy}"}}'] == 31
    assert found[f'audit_monitor_signal_state{{policy="{policy}",requirement="{ACCURACY}",member=""}}'] == 0
    assert sorted(value for name, value in found.items() if "signal_evidence_ratio" in name) == [0.4 / 365, 812 / 365]


@pytest.mark.skipif(NODE_EXPORTER is None, reason="needs prometheus-node-exporter, as Debian packages it")
def test_the_node_exporter_of_prometheus_reads_the_file(tmp_path: Path) -> None:
    """Every series is served again, hostile names too."""
    deliver(tmp_path, run(prometheus="audit.prom"), facts())
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [str(NODE_EXPORTER), f"--web.listen-address=127.0.0.1:{port}", "--collector.disable-defaults", "--collector.textfile"]
    folder = f"--collector.textfile.directory={tmp_path}"
    server = subprocess.Popen([*command, folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        served = metrics(_scraped(f"http://127.0.0.1:{port}/metrics"))
    finally:
        server.kill()
        server.wait()
    ours = metrics((tmp_path / "audit.prom").read_text(encoding="utf-8"))
    assert served["node_textfile_scrape_error"] == 0
    assert sorted(ours.values()) == sorted(value for name, value in served.items() if name.startswith("audit_monitor_"))


def _scraped(address: str) -> str:
    for _ in range(100):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310  # an address of this machine
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.1)
    pytest.fail("the node exporter never answered")


def test_github_gets_outputs_and_a_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, summary = tmp_path / "output", tmp_path / "summary"
    output.write_text("before=1\n")
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    told = facts(key="2026\nroot=1")
    assert deliver(tmp_path, run(github=True), told).done == ("github",)
    lines = output.read_text().splitlines()
    assert lines == ["before=1", "outcome=roll-back", "window=2026?root=1", "exit-code=1", "alarms=1", "retraining=false"]
    assert "Block" in summary.read_text(encoding="utf-8")
    monkeypatch.delenv("GITHUB_OUTPUT")
    assert "no step of GitHub Actions" in deliver(tmp_path, run(github=True), told).problems[0]


def test_gitlab_gets_a_code_quality_report(tmp_path: Path) -> None:
    assert deliver(tmp_path, run(gitlab="out/gl.json"), facts(since="2026-11-29")).done == ("gitlab",)
    assert {"description", "fingerprint", "severity", "location"} <= json.loads((tmp_path / "out" / "gl.json").read_text())[0].keys()


def test_folders_are_those_of_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A confined process may write there."""
    monkeypatch.setenv("GITHUB_OUTPUT", "/runner/output")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monitor = run(github=True, gitlab="g/a.json", prometheus="p/a.prom", email=MAIL).policy.monitor
    assert monitor is not None
    expected = [*(tmp_path / one for one in ("p", "g", "m")), Path("/runner")]
    assert list(notifications.folders(monitor.notify, lambda path: tmp_path / path)) == expected


@pytest.mark.parametrize(
    "secret",
    [
        "https://user:SECRET@127.0.0.1/x",
        "http://127.0.0.1:SECRET/x",
        "http://[SECRET/x",
        "http://127.0.0.1:1/SEC RET",
        "http://127.0.0.1:1/SECRETü",
    ],
)
def test_a_secret_that_is_no_address_is_told_and_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    monkeypatch.setenv("HOOK", secret)
    (problem,) = deliver(tmp_path, run(webhook="${HOOK}"), facts()).problems
    assert "no address of http or https" in problem
    assert "SEC" not in problem
