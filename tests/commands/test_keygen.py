"""Keys on the command line: the passphrase comes from a terminal or the environment, never from an argument."""

from __future__ import annotations

import os
import pty
import sys
from typing import TYPE_CHECKING

import pytest

from audit.errors import InputError
from audit.governance import keys
from audit.governance.keys import read_secret
from tests.command import audit

if TYPE_CHECKING:
    from pathlib import Path


def test_without_a_terminal_or_a_variable_the_key_is_not_protected_and_told_so(tmp_path: Path) -> None:
    done = audit("keygen", "--name", "Ann", "--line", "1", "-o", str(tmp_path))
    assert done.returncode == 0
    assert "it is not protected by a passphrase; AUDIT_KEY_PASSPHRASE or a terminal gives it one" in done.stdout
    read_secret(tmp_path / "Ann.key")


def test_the_variable_protects_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(keys.PASSPHRASE, "long and secret")
    done = audit("keygen", "--name", "Ann", "--line", "1", "-o", str(tmp_path))
    monkeypatch.delenv(keys.PASSPHRASE)
    assert (done.returncode, "protected by its passphrase" in done.stdout, "long and secret" in done.stdout) == (0, True, False)
    with pytest.raises(InputError, match="the key has a passphrase"):
        read_secret(tmp_path / "Ann.key")
    read_secret(tmp_path / "Ann.key", lambda _: "long and secret")


def on_terminal(answers: list[bytes], *arguments: str) -> tuple[int, str]:
    """The command on a terminal of its own, which answers each hidden question; exit code and all that was shown."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.pop("AUDIT_KEY_PASSPHRASE", None)
        os.execv(sys.executable, [sys.executable, "-m", "audit", *arguments])  # noqa: S606  # this very program
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 1000)
        except OSError:  # the child has ended
            break
        if shown.endswith(b": ") and answers:
            os.write(terminal, answers.pop(0) + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def test_a_terminal_asks_for_it_twice_and_shows_nothing(tmp_path: Path) -> None:
    code, shown = on_terminal([b"long and secret"] * 2, "keygen", "--name", "Ann", "--line", "1", "-o", str(tmp_path))
    assert code == 0, shown
    assert "Passphrase of Ann.key (nothing: the key is not protected)" in shown
    assert "long and secret" not in shown
    read_secret(tmp_path / "Ann.key", lambda _: "long and secret")
