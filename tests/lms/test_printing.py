"""Documents of pages: the same bytes for the same input, fonts inside, and data that stay data."""

import re
import zlib
from datetime import UTC, datetime
from pathlib import Path

from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from lms import printing

NOON = datetime(2026, 11, 26, 5, tzinfo=UTC)
PAGE = """#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set text(font: "Tinos", lang: "vi")
= #data.title
"""
LETTERS = "ăâđêôơưĂÂĐÊÔƠƯ–“”₫" + "".join(map(chr, range(0x1EA0, 0x1EFA)))


def printed(folder: Path, title: str) -> bytes:
    template = folder / "page.typ"
    template.write_text(PAGE, encoding="utf-8")
    return printing.pdf(template, {"title": title}, at=NOON)


def test_the_same_input_makes_the_same_bytes_and_other_input_others(tmp_path: Path) -> None:
    one = printed(tmp_path, "Giấy chứng nhận hoàn thành")
    assert one == printed(tmp_path, "Giấy chứng nhận hoàn thành")
    assert one != printed(tmp_path, "Giấy chứng nhận")
    assert one.startswith(b"%PDF-1.")


def test_text_in_data_is_never_read_as_typst(tmp_path: Path) -> None:
    plain = printed(tmp_path, "#panic() $x$ *a* \\ @b [c] // d")
    assert b"pdfaid" in b"".join(unpacked(plain))
    assert plain.count(b"/Type /Page\n") == 1 or b"/Count 1" in b"".join(unpacked(plain))


def test_the_font_has_every_vietnamese_letter_and_comes_along(tmp_path: Path) -> None:
    for path in printing.FONTS.glob("*.ttf"):
        with TTFont(path) as font:
            assert [one for one in LETTERS if ord(one) not in font.getBestCmap()] == []
    parts = b"".join(unpacked(printed(tmp_path, LETTERS)))
    assert re.search(rb"\+Tinos", parts)
    assert b"FontFile" in parts


def unpacked(document: bytes) -> list[bytes]:
    """The document, and whatever in it is compressed."""
    found = [document]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, flags=re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return found
