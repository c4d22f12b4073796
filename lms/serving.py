"""Serves the files of every feature's static/ folder, so that a browser fetches each once and then never asks again.

A file is reached at /static/<feature>/<file>. `Assets.url()` adds `?v=` with a hash of its content. An answer to a URL
with the right hash may be kept for a year; an answer to any other URL must be asked for again, so that a page from a
new host of a rolling update never pins an old host's file.
"""

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from wsgiref.headers import Headers

from whitenoise import WhiteNoise
from whitenoise.responders import Response, StaticFile
from whitenoise.string_utils import decode_path_info

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PREFIX = "/static/"
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"

# What is worth compressing at start and keeping in memory; anything larger brings a .gz beside it.
COMPRESSED = frozenset({".css", ".js", ".json", ".mjs", ".svg", ".txt", ".webmanifest"})
COMPRESSED_BELOW = 100_000


class UnknownAsset(LookupError):
    """A page asks for a file that no static/ folder has."""

    def __init__(self, path: str) -> None:
        super().__init__(f"no static file {path!r}: expected <feature>/<file in that feature's static folder>")


class Assets:
    """The static files of all features, read once.

    `folders` maps a feature's name to its static/ folder. Files added or changed later are not noticed.
    """

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._files: dict[str, Path] = {}
        for feature, folder in folders.items():
            self._files.update((f"{feature}/{name}", file) for name, file in _files(folder))
        self._hashes = {path: _hash(file) for path, file in self._files.items()}

    def url(self, path: str) -> str:
        """The address of "feature/file", with the hash of its content. Raises UnknownAsset."""
        try:
            return f"{PREFIX}{quote(path)}?v={self._hashes[path]}"
        except KeyError:
            raise UnknownAsset(path) from None

    def wrap(self, wsgi_app: "WSGIApplication") -> "WSGIApplication":
        """A WSGI application that answers for the static files and hands everything else to `wsgi_app`."""
        serving = _Serving(wsgi_app)
        for path, file in self._files.items():
            serving.offer(PREFIX + path, file, self._hashes[path])
        return serving


class _Serving(WhiteNoise):  # type: ignore[misc]  # WhiteNoise has no annotations
    """WhiteNoise that also compresses in memory, and that tells a URL with the right hash from one without."""

    def __init__(self, wsgi_app: "WSGIApplication") -> None:
        super().__init__(wsgi_app, allow_all_origins=False, max_age=None)
        self.versions: dict[tuple[str, str], StaticFile] = {}

    def offer(self, url: str, file: Path, content_hash: str) -> None:
        packed = _packed(file)
        headers = Headers([("X-Content-Type-Options", "nosniff"), ("ETag", f'W/"{content_hash}"')])
        self.add_mime_headers(headers, str(file), url)
        static_file = partial(_File, file, packed=packed, headers=headers)
        self.files[url] = static_file(cache_control=ASK_AGAIN)
        self.versions[url, f"v={content_hash}"] = static_file(cache_control=FOREVER)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not environ.get("PATH_INFO", "").startswith(PREFIX):
            passed_on: Iterable[bytes] = self.application(environ, start_response)
            return passed_on
        asked = (decode_path_info(environ.get("PATH_INFO", "")), environ.get("QUERY_STRING", ""))
        version = self.versions.get(asked)
        answer: Iterable[bytes] = (
            self.serve(version, environ, start_response) if version else super().__call__(environ, start_response)
        )
        return answer


class _File(StaticFile):  # type: ignore[misc]  # WhiteNoise has no annotations
    """A file on disk whose compressed form may live in memory."""

    def __init__(self, file: Path, *, packed: bytes | None, headers: Headers, cache_control: str) -> None:
        own = [*headers.items(), ("Cache-Control", cache_control)]
        if packed is not None:
            own.append(("Vary", "Accept-Encoding"))
        super().__init__(str(file), own, encodings={"gzip": f"{file}.gz", "br": f"{file}.br"})
        self.packed = packed
        self.packed_headers = [*own, ("Content-Encoding", "gzip"), ("Content-Length", str(len(packed or b"")))]

    def get_response(self, method: str, request_headers: Mapping[str, Any]) -> Response:
        plain: Callable[[str, Mapping[str, Any]], Response] = super().get_response
        accepted = "gzip" in request_headers.get("HTTP_ACCEPT_ENCODING", "")
        if self.packed is None or not accepted or "HTTP_RANGE" in request_headers:
            return plain(method, request_headers)
        if method not in ("GET", "HEAD") or self.is_not_modified(request_headers):
            return plain(method, request_headers)
        return Response(HTTPStatus.OK, self.packed_headers, BytesIO(self.packed) if method == "GET" else None)


def _files(folder: Path) -> Iterable[tuple[str, Path]]:
    """Name and path of each file below a folder, compressed forms and hidden files left out."""
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder)
        compressed_form = file.suffix in (".gz", ".br") and file.with_suffix("").exists()
        if file.is_file() and not compressed_form and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), file


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _packed(file: Path) -> bytes | None:
    """The compressed content, where that is worth keeping in memory."""
    size = file.stat().st_size
    if file.suffix not in COMPRESSED or size >= COMPRESSED_BELOW or file.with_name(f"{file.name}.gz").exists():
        return None
    packed = gzip.compress(file.read_bytes(), mtime=0)
    return packed if len(packed) < size else None
