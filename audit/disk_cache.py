"""The cache on disk: where it lies, and how its files are written and read so that none counts that is half there or was changed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import re
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from audit import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG = logging.getLogger(__name__)
_CPU_FEATURES = frozenset({"avx", "avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "asimd", "sve", "bf16"})
SETTINGS = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CUDA_VISIBLE_DEVICES"),
    *("ATEN_CPU_CAPABILITY", "MKL_CBWR", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"),
)


def root() -> Path:
    """`AUDIT_CACHE`, else `XDG_CACHE_HOME/audit`, else `~/.cache/audit`; a temporary folder where that cannot be written."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    place = Path(os.environ.get("AUDIT_CACHE") or Path(home) / "audit")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return place.resolve()
    except OSError as error:
        return _stand_in(place, str(error))


@cache
def _stand_in(place: Path, why: str) -> Path:
    """One temporary folder per process, reported once."""
    made = Path(tempfile.mkdtemp(prefix="audit-cache-"))
    LOG.warning("the cache %s cannot be written (%s): %s is used, and the next run starts anew; set AUDIT_CACHE", place, why, made)
    return made


def key(facts: Mapping[str, object]) -> str:
    """SHA-256 of facts, whatever their order."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, allow_nan=False).encode()).hexdigest()


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, content: bytes, *, key: str | None = None) -> None:
    """The content under a digest of itself and of its key, which is the file's name unless said; whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        made = Path(file.name)
        try:
            file.write(_seal(key or path.name, content) + content)
            file.close()
            made.replace(path)
        except BaseException:  # a full disk, an interruption
            made.unlink()
            raise


def read(path: Path, *, key: str | None = None) -> bytes | None:
    """What was written under this key; None where nothing was, or where its digest says that it was changed since or is another's."""
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    seal, content = raw[:32], raw[32:]
    if _seal(key or path.name, content) == seal:
        return content
    LOG.warning("%s was changed since it was written, or holds another entry: it is computed anew", path)
    return None


def _seal(key: str, content: bytes) -> bytes:
    """Of the key too: one entry copied over another is not taken for it."""
    return hashlib.sha256(hashlib.sha256(key.encode()).digest() + content).digest()


def surroundings(*libraries: str) -> dict[str, str]:
    """What moves the last digits of a model's outputs: versions, processor, threads, GPU. Told without importing any library."""
    found = {"audit": __version__, "python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    found |= {f"version.{name}": version(name) for name in libraries}
    found |= {name: os.environ[name] for name in SETTINGS if name in os.environ}
    found["threads"] = str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    return found | _hardware()


@cache
def version(name: str) -> str:
    """Of an installed library, without importing it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"


@cache
def _hardware() -> dict[str, str]:
    flags = re.search(r"^(?:flags|Features)\s*:(.*)$", _text(Path("/proc/cpuinfo")), re.MULTILINE)
    features = sorted(_CPU_FEATURES & set(flags[1].split())) if flags else []
    gpus = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    models = [line.partition(":")[2].strip() for gpu in gpus for line in _text(gpu).splitlines() if line.startswith("Model")]
    return {"cpu": " ".join(features) or platform.processor(), "gpus": ", ".join(models)}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
