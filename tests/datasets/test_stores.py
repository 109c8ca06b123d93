"""Files of stores and of the web: the bytes that lie there, or one clear message; and no secret of an address in it."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
import pytest

from audit.datasets import Columns
from audit.datasets.addresses import Address, problem
from audit.datasets.columns import ReadOptions
from audit.datasets.parts import Location
from audit.datasets.reading import read
from audit.errors import InputError, PolicyError
from audit.monitor.window import window_path
from audit.pipeline.prepare import read_datasets
from audit.policy.loading import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit.datasets import Dataset

fsspec = pytest.importorskip("fsspec", reason="fsspec comes with the extra `stores`")
FRAME = pd.DataFrame({"age": [31, 45, 27], "region": ["north", None, "007"]})


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


@pytest.fixture
def store() -> Iterator[Any]:
    """An empty store in the memory of this process."""
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


def rows_of(written: str, **options: Any) -> Dataset:
    return read("test", Location(Address.of(written), sql=options.pop("sql", None)), Columns(), ReadOptions(**options))


def test_a_file_of_a_store(store: Any) -> None:
    content = parquet(FRAME)
    store.pipe_file("/bucket/day=2026-11-30/a.parquet", content)
    data = rows_of("memory://bucket/day=2026-11-30/a.parquet")
    assert data.sha256 == hashlib.sha256(content).hexdigest()
    assert data.cells.column("age").to_list() == [31, 45, 27]
    assert data.cells.column("day").to_list() == [date(2026, 11, 30)] * 3
    assert str(data.path) == "memory://bucket/day=2026-11-30/a.parquet"


def test_folders_and_globs_of_a_store_are_those_of_a_disk(store: Any, tmp_path: Path) -> None:
    """The same rows, order, digest and remarks."""
    for name, rows in (("day=1/part-2.csv", FRAME[:1]), ("day=1/part-10.csv", FRAME[1:2]), ("day=2/part-1.csv", FRAME[2:])):
        text = rows.to_csv(index=False)
        store.pipe_file(f"/bucket/data/{name}", text.encode())
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(text)
    store.pipe_file("/bucket/data/_SUCCESS", b"")
    (tmp_path / "data" / "_SUCCESS").touch()
    for inner in ("", "/day=*/*.csv", "/day=1"):
        there, here = rows_of(f"memory://bucket/data{inner}"), read("test", tmp_path / f"data{inner}", Columns())
        pd.testing.assert_frame_equal(there.cells.frame(), here.cells.frame())
        assert (there.sha256, there.remarks) == (here.sha256, here.remarks)
    assert rows_of("memory://bucket/data", sql="SELECT max(age) AS age FROM data").cells.column("age").to_list() == [45]


def test_what_a_store_does_not_hold(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store.pipe_file("/bucket/notes.md", b"notes")
    store.pipe_file("/bucket/part/_SUCCESS", b"")
    for written, message in {
        "memory://bucket/gone.csv": "there is no such file or folder: mend the address",
        "memory://bucket/*.csv": "holds no file of rows: mend the address",
        "memory://bucket/part": r"holds no file of rows besides hidden and temporary ones \(_SUCCESS\)",
        "memory://bucket/notes.md": "not a kind of file that can be read",
        "nosuch://bucket/a.csv": r"cannot be listed \(Protocol not known: nosuch\)",
    }.items():
        with pytest.raises(InputError, match=message):
            rows_of(written)
    store.pipe_file("/bucket/a.csv", b"age\n31\n")
    monkeypatch.setattr("audit.datasets.file_bytes.MOST_BYTES", 3)
    with pytest.raises(InputError, match="its files hold more than"):
        rows_of("memory://bucket/a.csv")


def test_a_package_that_is_missing_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(InputError, match=r"s3://bucket/a.csv: the package of this store is not installed \(.*s3fs.*\): install it"):
        rows_of("s3://bucket/a.csv")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(InputError, match=r"fsspec is not installed: pip install '.*\[stores\]'"):
        rows_of("s3://bucket/a.csv")


class Server(BaseHTTPRequestHandler):
    """A file, one behind a password, and redirections."""

    content: ClassVar[bytes] = b"age\n31\n45\n"
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        target = {"/here.csv": "/data.csv", "/away.csv": "http://elsewhere.invalid/data.csv", "/file.csv": "file:///etc/passwd"}.get(
            self.path
        )
        if target is not None:
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
        elif self.path == "/closed.csv" and self.headers["Authorization"] != "Basic YTpoaWRkZW4=":
            self.send_error(401)
        elif self.path.partition("?")[0] in {"/data.csv", "/closed.csv"}:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.content)
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_of_the_web(web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = rows_of(f"{web}/data.csv")
    assert data.cells.column("age").to_list() == [31, 45]
    assert data.sha256 == hashlib.sha256(Server.content).hexdigest()
    assert rows_of(f"{web}/here.csv").rows == 2
    monkeypatch.setenv("WEB_PASSWORD", "hidden")
    closed = web.replace("//", "//a:${WEB_PASSWORD}@") + "/closed.csv"
    assert rows_of(closed).rows == 2
    monkeypatch.setenv("WEB_PASSWORD", "wr0ng")
    with pytest.raises(InputError, match=r"//a:\$\{WEB_PASSWORD\}@127.*/closed.csv: the server answers 401") as raised:
        rows_of(closed)
    assert "wr0ng" not in str(raised.value)


def test_what_the_web_does_not_give(web: str) -> None:
    for name, message in {
        "/gone.csv": r"the server answers 404 \(Not Found\): mend the address",
        "/away.csv": "the server sends on to elsewhere.invalid: name that address, if it is meant",
        "/file.csv": "the server sends on to None|the server answers 302",
        "/data.html": "the server answers 404",
    }.items():
        with pytest.raises(InputError, match=message):
            rows_of(web + name)
    with pytest.raises(InputError, match=r"cannot be fetched \(.*[Rr]efused"):
        rows_of("http://127.0.0.1:9/a.csv")


POLICY = """
policy: web
datasets: {{test: {{path: "{path}"}}}}
columns: {{label: y, prediction: p}}
candidate: {{task: tabular-classification, load: {{kind: predictions}}}}
require: [{{check: performance/accuracy, min: 0.5}}]
"""


def test_only_a_policy_names_the_web(web: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: Any) -> None:
    """An option of the command line may name a store, and no address of the web."""
    monkeypatch.setattr(Server, "content", b"y,p\n1,1\n")
    monkeypatch.setattr(Server, "asked", [])
    (tmp_path / "policy.yaml").write_text(POLICY.format(path=f"{web}/data.csv"))
    loaded = load(tmp_path / "policy.yaml")
    assert Server.asked == []
    assert read_datasets(loaded)["test"].rows == 1
    from pathlib import Path as Option

    with pytest.raises(InputError, match=f"{web}/data.csv: is an address of the web, which is read only where a policy names it"):
        read("data", Option(f"{web}/data.csv"), Columns())
    with pytest.raises(InputError, match="the address of the data holds a password or a key") as raised:
        read("data", Option("s3://key:hidden@bucket/a.csv"), Columns())
    assert "hidden" not in str(raised.value)
    store.pipe_file("/bucket/a.csv", b"age\n31\n")
    assert read("data", Option("memory://bucket/a.csv"), Columns()).rows == 1


def test_a_window_of_the_web_is_on_the_server_that_the_policy_names() -> None:
    from pathlib import Path as Option

    named = "https://data.example.org/a.csv"
    assert window_path(Option("https://data.example.org/b.csv"), named) == "https://data.example.org/b.csv"
    assert window_path(Option("s3://bucket/b.csv"), "a.csv") == "s3://bucket/b.csv"
    assert window_path(Option("/data/b*.csv"), named) == "/data/b*.csv"
    for window, declared in (("https://example.org/b.csv", named), ("http://data.example.org/b.csv", named), (named, "a.csv")):
        with pytest.raises(InputError, match="the policy names no data set on this server"):
            window_path(Option(window), declared)


def test_an_address_of_this_machine_is_a_path(tmp_path: Path) -> None:
    """Which may not leave the project either."""
    project = tmp_path / "project"
    project.mkdir()
    for folder in (tmp_path, project):
        (folder / "a.csv").write_text("y,p\n1,1\n")
    (project / "policy.yaml").write_text(POLICY.format(path=f"file://{project}/a.csv"))
    assert read_datasets(load(project / "policy.yaml"))["test"].rows == 1
    (project / "policy.yaml").write_text(POLICY.format(path=f"file://{tmp_path}/a.csv"))
    with pytest.raises(PolicyError, match=r"policy.yaml:3:25: datasets.test.path: .*lies outside the project folder"):
        load(project / "policy.yaml")


def test_what_variables_hold_stays_out_of_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUCKET", "s3://key:hidden@bucket")
    (tmp_path / "policy.yaml").write_text(POLICY.format(path="${BUCKET}/a.csv"))
    loaded = load(tmp_path / "policy.yaml")
    assert loaded.policy.datasets["test"].path == "${BUCKET}/a.csv"
    assert "hidden" not in repr(loaded.location(loaded.policy.datasets["test"]))
    monkeypatch.delenv("BUCKET")
    with pytest.raises(PolicyError, match="the environment variable BUCKET is not set"):
        load(tmp_path / "policy.yaml")


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("s3://bucket/a.csv", None),
        ("postgresql://u:${PW}@h/d", None),
        ("postgresql://u@h:5432/d", None),
        ("https://h/a.csv?sig=${SIGNATURE}&x=1", None),
        ("postgresql://u:plain@h/d", "holds a password"),
        ("postgresql://h/d?user=u&password=plain", "holds a password"),
        ("https://h/a.csv?X-Amz-Signature=abc", "holds a password"),
        ("zip://a.csv::file:///etc/b.zip", "chains several protocols"),
    ],
)
def test_what_an_address_may_say(written: str, wrong: str | None) -> None:
    found = problem(written)
    assert (found is None) if wrong is None else (found is not None and found.startswith(wrong))


def test_a_message_hides_what_variables_hold_in_every_form() -> None:
    address = Address.of("postgresql://u:${PW}@h/d", {"PW": "a%2Fb c"})
    assert address.hide("password a%2Fb c, or a/b c,\n or a%252Fb%20c") == "password ${PW}, or ${PW}, or ${PW}"
    assert str(address) == "postgresql://u:${PW}@h/d"
    assert "a%2Fb" not in repr(address)
