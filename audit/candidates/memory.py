"""What a text model said of each text, kept in memory and on disk: no text is scored twice."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from audit.disk_cache import LOG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_BLOCK = 2048
"""Texts computed before they are put on disk: an interrupted run loses no more."""
_TABLE = "CREATE TABLE IF NOT EXISTS vectors (kind TEXT, text BLOB, vector BLOB, seal BLOB, PRIMARY KEY (kind, text)) WITHOUT ROWID"


class Memory:
    """Vectors by kind and text. What cannot be read, or was changed since it was written, is computed again."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, dict[bytes, NDArray[np.float64]]] = {}
        self._lock = threading.Lock()

    def recall(self, kind: str, texts: Sequence[str], compute: Callable[[list[str]], NDArray[np.float64]]) -> NDArray[np.float64]:
        """(len(texts), k) vectors, of which `compute` gives those of texts not met before."""
        names = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
        with self._lock:
            known = self._known.setdefault(kind, self._load(kind) if kind not in self._known else {})
            missing = {name: text for name, text in zip(names, texts, strict=True) if name not in known}
        new = list(missing)
        for start in range(0, len(new), _BLOCK):
            block = new[start : start + _BLOCK]
            found = dict(zip(block, compute([missing[name] for name in block]), strict=True))
            with self._lock:
                known |= found
                self._save(kind, found)
        if not names:
            return compute([])
        return np.stack([known[name] for name in names])

    def _load(self, kind: str) -> dict[bytes, NDArray[np.float64]]:
        if self._path is None or not self._path.is_file():
            return {}
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as file:
                rows = file.execute("SELECT text, vector, seal FROM vectors WHERE kind = ?", (kind,)).fetchall()
        except sqlite3.DatabaseError as error:
            LOG.warning("%s cannot be read (%s): it is computed anew", self._path, error)
            if not isinstance(error, sqlite3.OperationalError):  # which means busy, not broken
                self._path.unlink(missing_ok=True)
            return {}
        whole = {text: np.frombuffer(vector) for text, vector, seal in rows if seal == self._seal(kind, text, vector)}
        if len(whole) < len(rows):
            LOG.warning("%s: %d entries were changed since they were written: they are computed anew", self._path, len(rows) - len(whole))
        return whole

    def _save(self, kind: str, found: Mapping[bytes, NDArray[np.float64]]) -> None:
        if self._path is None:
            return
        rows = [(kind, text, vector.tobytes(), self._seal(kind, text, vector.tobytes())) for text, vector in found.items()]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=30)) as file, file:
                file.execute("PRAGMA synchronous = OFF")  # a cache: each row carries its seal, and none is worth a wait for the disk
                file.execute(_TABLE)
                file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)
        except (sqlite3.DatabaseError, OSError) as error:
            LOG.warning("%s cannot be written (%s): the next run computes anew", self._path, error)
            self._path = None

    def _seal(self, kind: str, text: bytes, vector: bytes) -> bytes:
        """Of the file's name too, which stands for the model: rows of another model's file are not taken for this one's."""
        name = "" if self._path is None else self._path.name
        return hashlib.sha256(f"{name}\0{kind}\0".encode() + text + vector).digest()[:16]
