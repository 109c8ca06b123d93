"""The wheel holds all that the command needs besides its code."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READS = """
from importlib import resources
import audit, audit.report.page
from audit import frameworks
root = resources.files("audit")
assert str(root).startswith({target!r}), root
assert any(one.name.endswith(".html") for one in root.joinpath("report/templates").iterdir())
assert any(root.joinpath("report/static").iterdir())
assert root.joinpath("frameworks/nist_ai_rmf_1_0.yaml").read_text(encoding="utf-8")
assert root.joinpath("py.typed").is_file()
"""


@pytest.mark.skipif(find_spec("hatchling") is None, reason="needs hatchling, which builds the wheel, from the group dev")
def test_the_wheel_installs_and_runs(tmp_path: Path) -> None:
    """Without network: its dependencies are those of this environment."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT], check=True, capture_output=True, cwd=tmp_path
    )
    (wheel,) = tmp_path.glob("model_audit_gate-*.whl")
    target = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True, capture_output=True)

    def python(*arguments: str) -> str:
        code = f"import sys; sys.path.insert(0, {str(target)!r}); "
        done = subprocess.run(
            [sys.executable, "-I", "-c", code + arguments[0], *arguments[1:]], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    main = "from audit.__main__ import main; main()"
    assert python(main, "--version").startswith("audit 0.")
    assert "performance/accuracy" in python(main, "checks")
    python(READS.format(target=str(target)))
