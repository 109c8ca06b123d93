"""Files of a store or of the web, copied to this machine before they are read: their digest is of the very bytes that are parsed."""

from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from audit.datasets import file_bytes
from audit.datasets.addresses import WEB
from audit.datasets.file_bytes import Unreadable
from audit.datasets.parts import Listing, arrange, fixed_start, has_wildcard, is_temporary
from audit.datasets.scratch_files import scratch_file
from audit.errors import pip_install

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from urllib.request import OpenerDirector

    from audit.datasets.addresses import Address

_SECONDS = 60
"""After which a server that says nothing has failed."""
_AT_ONCE = 2**20


def fetch(address: Address) -> Listing:
    """The files at an address, as copies on this machine. Unreadable where there are none, or they cannot be had."""
    return _from_web(address) if address.protocol in WEB else _from_store(address)


def _from_web(address: Address) -> Listing:
    """One file of a web server; a redirection to another server is refused, since the policy does not name it."""
    parts = urlsplit(address.url)
    host = parts.netloc.rpartition("@")[2]
    request = Request(urlunsplit((parts.scheme, host, parts.path, parts.query, "")))  # noqa: S310  # http and https alone come here
    if parts.username:
        pair = f"{parts.username}:{parts.password or ''}".encode()
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(pair).decode()}")
    path = scratch_file(address.name or "file")
    try:
        with _opener(host).open(request, timeout=_SECONDS) as answer, path.open("wb") as file:
            _copy(answer, file)
    except HTTPError as error:
        with error:
            what = f"the server answers {error.code} ({address.hide(error.reason)})"
        raise Unreadable(what, "mend the address, or see to the permissions") from None
    except (OSError, ValueError) as error:
        what = f"cannot be fetched ({address.hide(error)})"
        raise Unreadable(what, "see to the address and the network") from None
    return arrange({path.name: path}, is_file=True)


def _copy(source: Any, target: Any) -> None:
    size = 0
    while piece := source.read(_AT_ONCE):
        size += len(piece)
        if size > file_bytes.MOST_BYTES:
            raise file_bytes.too_large("holds")
        target.write(piece)


def _opener(host: str) -> OpenerDirector:
    class SameServer(HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> Any:
            target = urlsplit(arguments[-1])
            if target.netloc.rpartition("@")[2] != host:
                msg = f"the server sends on to {target.hostname}"
                raise Unreadable(msg, "name that address, if it is meant")
            return super().redirect_request(*arguments)

    return build_opener(SameServer)


def _from_store(address: Address) -> Listing:
    """The files of a folder, a glob, or one file, through fsspec."""
    try:
        import fsspec
    except ImportError as error:
        what = "fsspec is not installed"
        raise Unreadable(what, pip_install("stores")) from error
    try:
        store, root = fsspec.core.url_to_fs(address.url)
        found = _files(store, root)
    except ImportError as error:
        what = f"the package of this store is not installed ({address.hide(error)})"
        raise Unreadable(what, "install it") from None
    except FileNotFoundError:
        what = "there is no such file or folder"
        raise Unreadable(what, "mend the address, or make the file first") from None
    except Exception as error:  # noqa: BLE001  # every store raises errors of its own
        what = f"cannot be listed ({address.hide(error)})"
        raise Unreadable(what, "see to the address, the network and the permissions") from None
    is_file = list(found) == [root]
    start = root.rpartition("/")[0] if is_file else str(fixed_start(root)) if has_wildcard(root) else root.rstrip("/")
    kept = {name: size for name, size in found.items() if not any(map(is_temporary, name[len(start) :].strip("/").split("/")))}
    left_out = [name[len(start) :].strip("/") for name in found if name not in kept]
    if not kept:
        what = "holds no file of rows" if not left_out else f"holds no file of rows besides hidden and temporary ones ({left_out[0]})"
        raise Unreadable(what, "mend the address, or put the files there first")
    if sum(kept.values()) > file_bytes.MOST_BYTES:
        raise file_bytes.too_large("its files hold")
    copies = {name[len(start) :].strip("/"): _copied(store, name, address) for name in kept}
    return arrange(copies, left_out, above=start, is_file=is_file)


def _files(store: Any, root: str) -> Mapping[str, int]:
    """Names and sizes of the files at a path of a store."""
    if has_wildcard(root) and not store.exists(root):
        found: dict[str, Any] = {}
        for name, about in store.glob(root, detail=True).items():
            found |= store.find(name, detail=True) if about["type"] == "directory" else {name: about}
    elif store.isdir(root):
        found = store.find(root, detail=True)
    else:
        about = store.info(root)
        found = {about["name"]: about}
    return {name: int(about.get("size") or 0) for name, about in found.items()}


def _copied(store: Any, name: str, address: Address) -> Path:
    path = scratch_file(name.rpartition("/")[2])
    try:
        with store.open(name, "rb") as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, _AT_ONCE)
    except Exception as error:  # noqa: BLE001  # every store raises errors of its own
        what = f"{name.rpartition('/')[2]}: cannot be fetched ({address.hide(error)})"
        raise Unreadable(what, "see to the network and the permissions") from None
    return path
