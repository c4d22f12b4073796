"""Static files: fetched once, compressed, kept for a year, and nothing outside the features' folders."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import pytest
from werkzeug.test import Client, TestResponse

from lms.serving import Assets, UnknownAsset

STYLE = "/* Quán triệt */\n" + "p { color: black; }\n" * 500
FOREVER = "public, max-age=31536000, immutable"


def application(environ: object, start_response: object) -> Iterable[bytes]:
    start_response("404 NOT FOUND", [("Content-Type", "text/plain")])  # type: ignore[operator]  # the least WSGI there is
    return [b"the application's own answer"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A feature's static folder; its parent holds a secret."""
    folder = tmp_path / "static"
    (folder / "icons").mkdir(parents=True)
    (folder / "app.css").write_text(STYLE, encoding="utf-8")
    (folder / "icons" / "dấu.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    (folder / "photo.png").write_bytes(bytes(range(256)) * 40)
    (folder / "chart.js").write_text("x = 1;\n" * 50_000, encoding="utf-8")
    (folder / "chart.js.gz").write_bytes(gzip.compress(b"ready made"))
    (folder / ".hidden").write_text("hidden", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    return folder


@pytest.fixture
def assets(folder: Path) -> Assets:
    return Assets({"web": folder})


@pytest.fixture
def client(assets: Assets) -> Client:
    return Client(assets.wrap(application))


def fetched(client: Client, url: str, *, method: str = "GET", **headers: str) -> TestResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.open(url, method=method, headers=sent, buffered=True)  # read whole, so that the file is closed


def test_a_style_sheet_travels_compressed_and_is_kept_for_a_year(client: Client, assets: Assets) -> None:
    response = fetched(client, assets.url("web/app.css"), accept_encoding="gzip, br")
    assert response.status_code == 200
    assert response.headers["Content-Encoding"] == "gzip"
    assert (response.mimetype, response.mimetype_params) == ("text/css", {"charset": "utf-8"})
    assert response.headers["Cache-Control"] == FOREVER
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert int(response.headers["Content-Length"]) == len(response.data) < len(STYLE) / 10
    assert gzip.decompress(response.data).decode() == STYLE


def test_a_browser_that_takes_no_gzip_gets_the_plain_file(client: Client, assets: Assets) -> None:
    response = fetched(client, assets.url("web/app.css"))
    assert "Content-Encoding" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.text == STYLE


def test_a_file_compressed_beforehand_is_sent_as_it_lies_there(client: Client, assets: Assets) -> None:
    response = fetched(client, assets.url("web/chart.js"), accept_encoding="gzip")
    assert gzip.decompress(response.data) == b"ready made"
    assert response.headers["Cache-Control"] == FOREVER


def test_a_picture_is_sent_as_it_is(client: Client, assets: Assets, folder: Path) -> None:
    response = fetched(client, assets.url("web/photo.png"), accept_encoding="gzip")
    assert "Content-Encoding" not in response.headers
    assert response.data == (folder / "photo.png").read_bytes()


@pytest.mark.parametrize("query", ["", "?v=", "?v=0000000000000000", "?w=1"])
def test_without_the_right_hash_nothing_is_kept_without_asking(client: Client, query: str) -> None:
    response = fetched(client, f"/static/web/app.css{query}")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"


def test_a_browser_that_has_the_file_is_told_so(client: Client, assets: Assets) -> None:
    tag = fetched(client, assets.url("web/app.css")).headers["ETag"]
    for encoding in ("", "gzip"):
        again = fetched(client, "/static/web/app.css", if_none_match=tag, accept_encoding=encoding)
        assert (again.status_code, again.data) == (304, b"")
        changed = fetched(client, "/static/web/app.css", if_none_match='W/"else"', accept_encoding=encoding)
        assert changed.status_code == 200


def test_a_part_of_a_file_is_a_part_of_the_plain_file(client: Client, assets: Assets) -> None:
    response = fetched(client, assets.url("web/app.css"), accept_encoding="gzip", range="bytes=0-6")
    assert (response.status_code, response.data) == (206, STYLE.encode()[:7])
    assert "Content-Encoding" not in response.headers


def test_static_files_can_only_be_read(client: Client, assets: Assets) -> None:
    head = fetched(client, assets.url("web/app.css"), method="HEAD", accept_encoding="gzip")
    assert (head.status_code, head.data, head.headers["Content-Encoding"]) == (200, b"", "gzip")
    assert fetched(client, assets.url("web/app.css"), method="POST", accept_encoding="gzip").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/static/",
        "/static/web/",
        "/static/web/absent.css",
        "/static/web/.hidden",
        "/static/web/../secret.txt",
        "/static/web/%2e%2e/secret.txt",
        "/static/web//app.css",
        "/static/web/app.css.gz",
        "/static/web/chart.js.gz",
    ],
)
def test_everything_else_is_left_to_the_application(client: Client, path: str) -> None:
    response = fetched(client, path)
    assert (response.status_code, response.text) == (404, "the application's own answer")


def test_the_hash_follows_the_content_alone(assets: Assets, folder: Path) -> None:
    before = assets.url("web/app.css")
    assert Assets({"web": folder}).url("web/app.css") == before
    (folder / "app.css").write_text(STYLE + "b {}", encoding="utf-8")
    assert Assets({"web": folder}).url("web/app.css") != before


def test_a_name_with_vietnamese_letters_is_quoted_and_found(client: Client, assets: Assets) -> None:
    url = assets.url("web/icons/dấu.svg")
    assert url.isascii()
    assert fetched(client, url).headers["Cache-Control"] == FOREVER


@pytest.mark.parametrize("path", ["web/absent.css", "app.css", "web/.hidden", "web/chart.js.gz", "web/../secret.txt"])
def test_an_unknown_file_is_named_at_once(assets: Assets, path: str) -> None:
    with pytest.raises(UnknownAsset, match=path):
        assets.url(path)


def test_a_folder_that_cannot_be_written_serves_as_well(folder: Path) -> None:
    before = sorted(file.name for file in folder.rglob("*"))
    client = Client(Assets({"web": folder}).wrap(application))
    fetched(client, "/static/web/app.css", accept_encoding="gzip")
    assert sorted(file.name for file in folder.rglob("*")) == before


def test_a_feature_without_files_is_no_error(tmp_path: Path) -> None:
    with pytest.raises(UnknownAsset):
        Assets({"quiet": tmp_path / "absent"}).url("quiet/app.css")
