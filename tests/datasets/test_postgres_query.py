"""Tables of a real PostgreSQL server as data sets: read, never written, and no password told."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import yaml

from audit.datasets import Columns
from audit.datasets.addresses import Address
from audit.datasets.columns import ReadOptions
from audit.datasets.parts import Location
from audit.datasets.reading import read
from audit.errors import InputError, PolicyError
from audit.pipeline.compatibility import load_policy
from audit.pipeline.prepare import read_datasets
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from tests.postgres_server import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit.datasets import Dataset

pytest.importorskip("adbc_driver_postgresql", reason="the ADBC driver comes with the extra `postgres`")
PASSWORD = "s3cr3t/of the@house"  # noqa: S105  # of a server that lives for a test; with signs that an address must encode
ENCODED = "s3cr3t%2Fof%20the%40house"


def execute(port: int, *statements: str) -> list[Any]:
    from adbc_driver_postgresql import dbapi

    with closing(dbapi.connect(f"postgresql://auditor:{ENCODED}@127.0.0.1:{port}/postgres", autocommit=True)) as connection:
        for statement in statements:
            with closing(connection.cursor()) as cursor:
                cursor.execute(statement)
                found = cursor.fetchall() if statement.startswith("SELECT") else []
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of a server that asks for a password, with a table of sales."""
    with running_server("scram-sha-256", PASSWORD) as port:
        execute(
            port,
            "CREATE TABLE sales (id bigint, label int, answer int, price numeric(9, 2), day date, note text)",
            "INSERT INTO sales SELECT i, i % 2, i % 2, i * 0.25, DATE '2026-11-01' + (i % 30)::int, NULLIF('note ' || i, 'note 3')"
            " FROM generate_series(1, 400) i",
            "CREATE FUNCTION erase() RETURNS int LANGUAGE sql AS 'DELETE FROM sales RETURNING 1'",
        )
        yield port


@pytest.fixture
def address(server: int, monkeypatch: pytest.MonkeyPatch) -> Address:
    monkeypatch.setenv("DB_PASSWORD", ENCODED)
    monkeypatch.setenv("DB_PORT", str(server))
    return Address.of(PATH)


def rows_of(address: Address, statement: str, **options: Any) -> Dataset:
    return read("test", Location(address, sql=statement), Columns(), ReadOptions(**options))


def test_the_answer_is_a_data_set(address: Address) -> None:
    data = rows_of(address, "SELECT id, price, day, note, now() - now() < '1 s' AS is_new FROM sales WHERE id <= 4 ORDER BY id DESC -- all")
    assert data.cells.column("id").to_list() == [4, 3, 2, 1]
    assert data.cells.column("price").to_list() == [1.0, 0.75, 0.5, 0.25]
    assert data.cells.column("day").to_list()[0] == date(2026, 11, 5)
    assert data.values("note").tolist() == ["note 4", None, "note 2", "note 1"]
    assert data.cells.column("is_new").all()
    assert data.remarks == ()
    assert rows_of(address, "SELECT id FROM sales ORDER BY id", types={"id": "category"}).kind("id").name == "category"


def test_the_digest_is_of_the_rows(address: Address) -> None:
    one = rows_of(address, "SELECT id FROM sales WHERE id < 9 ORDER BY id;")
    assert one.sha256 != rows_of(address, "SELECT id FROM sales WHERE id < 9 ORDER BY note IS NULL, id").sha256
    assert one.sha256 == rows_of(address, "SELECT id FROM sales WHERE 9 > id ORDER BY 1").sha256


def test_without_an_order_there_is_a_remark(address: Address) -> None:
    (remark,) = rows_of(address, "SELECT id FROM sales WHERE note <> 'order by' /* order by id */").remarks
    assert remark.startswith("the statement has no ORDER BY")


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM sales", "sql: is no SELECT"),
        ("WITH gone AS (DELETE FROM sales RETURNING id) SELECT * FROM gone", "sql: .*read-only transaction"),
        ("SELECT erase()", "sql: .*read-only transaction"),
        ("SELECT set_config('transaction_read_only', 'off', true), erase()", "sql: .*read-write mode must be set before any query"),
        ("SELECT 1; DELETE FROM sales", "sql: .*multiple commands"),
        ("SELECT 1; COMMIT; DELETE FROM sales; SELECT 1", "sql: .*multiple commands"),
        ("SELECT 1) TO PROGRAM 'touch /tmp/never' --", "sql: .*syntax error"),
        ("SELECT nothing FROM sales", 'sql: .*column "nothing" does not exist'),
        ("SELECT '(1,2)'::point AS place", "sql: column 'place' has the type point: cast it, such as place::text"),
        ("SELECT 12345678901234567890::numeric AS big", "sql: column 'big' is numeric, with numbers of more digits"),
        ("SELECT id FROM sales WHERE id < 0", "holds no rows"),
    ],
)
def test_nothing_is_written_and_mistakes_are_told(server: int, address: Address, statement: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        rows_of(address, statement)
    assert PASSWORD not in str(raised.value)
    assert ENCODED not in str(raised.value)
    assert execute(server, "SELECT count(*) FROM sales") == [(400,)]


def test_a_wrong_password_is_not_told(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("wr0ng%2Fword", "%zz-wr0ng"):  # the second is no encoding, which the driver quotes
        monkeypatch.setenv("DB_PASSWORD", wrong)
        with pytest.raises(InputError, match=r"postgresql://auditor:\$\{DB_PASSWORD\}@.*cannot be reached") as raised:
            rows_of(Address.of(address.written), "SELECT 1")
        assert "wr0ng" not in str(raised.value)
    with pytest.raises(InputError, match="is a database: say which rows of it are meant"):
        read("test", Location(address), Columns())


PATH = "postgresql://auditor:${DB_PASSWORD}@127.0.0.1:${DB_PORT}/postgres"
POLICY = {
    "policy": "shop",
    "datasets": {"test": {"path": PATH}},
    "columns": {"id": "id", "label": "label", "prediction": "answer"},
    "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
    "require": [{"check": "performance/accuracy", "min": 0.5}],
}


@pytest.mark.usefixtures("address")
def test_no_file_of_a_run_holds_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the bundle nor the ledger nor the cache, also where the policy is merged with another."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(POLICY))
    statement = "SELECT id, label, answer FROM sales ORDER BY id"
    own = {"policy": "shop", "extends": "base.yaml", "datasets": {"test": {"sql": statement}}}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(own))
    done = audit_policy(tmp_path / "policy.yaml", Options(tmp_path / "reports", "audit run"), Silent())
    assert done.audit.verdict.decision == "promote"
    assert done.audit.datasets[0].path == PATH
    for path in (one for one in tmp_path.rglob("*") if one.is_file()):
        content = path.read_bytes()
        assert PASSWORD.encode() not in content, path
        assert ENCODED.encode() not in content, path
        assert json.dumps(PASSWORD).encode()[1:-1] not in content, path


@pytest.mark.usefixtures("address")
def test_a_mistake_is_at_its_line(tmp_path: Path) -> None:
    plain = {"path": "postgresql://u:plain@h/d", "sql": "SELECT 1"}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY | {"datasets": {"test": plain}}))
    with pytest.raises(PolicyError, match=r"datasets.test.path: holds a password or a key; put it into an environment variable"):
        load_policy(tmp_path / "policy.yaml")
    test = {"path": PATH, "sql": "SELECT x FROM sales"}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(POLICY | {"datasets": {"test": test}}))
    with pytest.raises(PolicyError, match=r"datasets.test.sql: .*column \"x\" does not exist"):
        read_datasets(load_policy(tmp_path / "policy.yaml"))


def test_numbers_are_those_of_the_server(address: Address) -> None:
    data = rows_of(address, "SELECT 'NaN'::numeric AS n, 0.1::numeric AS t, 1.5::real AS r, 2::smallint AS s FROM sales LIMIT 2")
    row = data.cells.frame().iloc[0]
    assert np.isnan(row["n"])
    assert (row["t"], row["r"], row["s"]) == (0.1, 1.5, 2)
    times = rows_of(address, "SELECT '2026-01-01 12:00+02'::timestamptz AS z, '2026-01-01'::timestamp AS p ORDER BY 1").cells
    assert times.column("z")[0] == pd.Timestamp("2026-01-01 10:00", tz="UTC")
    assert times.column("p")[0] == pd.Timestamp("2026-01-01")
