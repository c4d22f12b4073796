"""Vietnamese words: their order, how they are found when typed without marks, and how they stand in a file.

The order is that of Vietnamese dictionaries: letters first (a ă â b c d đ e ê …), then tones (ngang, huyền, hỏi, ngã,
sắc, nặng). It is computed here, so that SQLite and PostgreSQL sort alike whatever the locale of the machine.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
TONES = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
PLAIN = {
    ord(unicodedata.normalize("NFC", letter + tone)): unicodedata.normalize("NFD", letter)[0]
    for letter in "aăâeêioôơuưy"
    for tone in TONES
} | {ord("đ"): "d"}
"""Each Vietnamese letter with a mark, as it is typed without."""

LINE_ENDS = frozenset("\t\n\r")
UNSEEN = frozenset({"Cc", "Cs"})
SHAPES = {"\u0306", "\u0302", "\u031b"}  # breve, circumflex, horn: they make letters, not tones


MOST_MARKS = 30
"""Marks in a row on one letter, as in "stream-safe" text of UAX 15; Vietnamese has two."""

MARKS_OF_ALL_SCRIPTS = range(0x300, 0x20000)


@cache
def heap_of_marks() -> re.Pattern[str]:
    """Finds more marks in a row than a letter may bear: signs that combine, or whose first part does."""
    marks = [c for c in map(chr, MARKS_OF_ALL_SCRIPTS) if unicodedata.combining(unicodedata.normalize("NFD", c)[0])]
    near, far = ("".join(c for c in marks if (c > "\uffff") == beyond) for beyond in (False, True))
    sign = f"(?:[{near}]|(?=[\U00010000-\U0001ffff])[{far}])"  # one set of both would be walked sign by sign
    return re.compile(f"({sign}{{{MOST_MARKS}}}){sign}+")


PERHAPS_A_HEAP = re.compile(f"[\u0300-\U0001ffff]{{{MOST_MARKS + 1}}}")
"""Stands wherever a heap does, and in no text of ours: to look for it costs next to nothing, every text is asked."""


def bearable(text: str) -> str:
    """Text in which no letter bears a heap of marks: to put one in order takes the square of its length."""
    return heap_of_marks().sub(r"\1", text) if not text.isascii() and PERHAPS_A_HEAP.search(text) else text


def composed(text: str) -> str:
    """Text in NFC, after a time that grows as its length does."""
    return unicodedata.normalize("NFC", bearable(text))


def decomposed(text: str) -> str:
    """Text in NFD, likewise."""
    return unicodedata.normalize("NFD", bearable(text))


def visible(text: str) -> str:
    """Text without what nobody types: controls other than tab and line ends, halves of surrogates, heaps of marks.

    PostgreSQL stores no NUL and no surrogate; SQLite stores them, and nobody sees them.
    """
    text = bearable(text)
    if text.isprintable():
        return text
    return "".join(c for c in text if c in LINE_ENDS or unicodedata.category(c) not in UNSEEN)


def nfc(text: str) -> str:
    """The one form in which text is stored and compared: visible, NFC, with runs of white space folded."""
    return " ".join(composed(visible(text)).split())


def fold(text: str) -> str:
    """Text as one types it in haste: lower case, no marks, đ as d. "Thuỷ" and "Thủy" fold alike."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = text.casefold().translate(PLAIN)
    if not plain.isascii():  # letters of other languages, or marks that stand by themselves
        bare = "".join(c for c in decomposed(plain) if not unicodedata.combining(c))
        plain = bare.replace("đ", "d")
    return " ".join(plain.split())


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """As `fold`, remembered: for names of units, which are folded at each key that is pressed. Not for people's."""
    return fold(text)


@lru_cache(maxsize=4_096)
def sort_key(text: str) -> bytes:
    """A key whose byte order is the Vietnamese order of `text`. Remembered: the same parts of names come again."""
    letters, tones = bytearray(), bytearray()
    for letter, tone in syllable_letters(text):
        position = LETTERS.find(letter)
        letters.append(position + 64 if position >= 0 else min(ord(letter), 63) if letter.isascii() else 127)
        tones.append(tone + 1)
    return bytes(letters) + b"\0" + bytes(tones)


def person_sort_key(full_name: str) -> bytes:
    """The order of Vietnamese lists of people: by given name (the last part), then by family and middle names."""
    parts = nfc(full_name).split(" ")
    return sort_key(parts[-1]) + b"\0\0" + sort_key(" ".join(parts[:-1]))


def syllable_letters(text: str) -> list[tuple[str, int]]:
    """Each letter with the number of its tone, 0 to 5."""
    result: list[tuple[str, int]] = []
    for character in decomposed(nfc(text).casefold()):
        if character in SHAPES and result:
            letter, tone = result[-1]
            result[-1] = (unicodedata.normalize("NFC", letter + character), tone)
        elif character in TONES[1:] and result:
            result[-1] = (result[-1][0], TONES.index(character))
        elif not unicodedata.combining(character):
            result.append((character, 0))
    return result


SIGNS = "[ \u00a0\u3000]*[=+\\-@\\t\\r\\n＝＋－＠]"
FORMULA = re.compile(rf"(^|[\t\r\n;,\"'|])(?={SIGNS})")
"""Where a spreadsheet may begin to read a formula: at the start of a text and after whatever may split it."""

HARMLESS = re.compile(rf"(^|[\t\r\n;,\"|])'(?={SIGNS})")


def harmless(cell: str) -> str:
    """A cell of CSV with an apostrophe before anything that could begin a formula; else the same text."""
    return FORMULA.sub(r"\1'", cell)


SIGN = re.compile("[=+\\-@\t\r\n＝＋－＠]")
"""Without any of these nothing can begin a formula."""


def harmless_row(cells: Sequence[str]) -> Sequence[str]:
    """Each cell as `harmless` has it. Most rows have no sign at all, and are looked at once, not cell by cell."""
    return [harmless(cell) for cell in cells] if SIGN.search("".join(cells)) else cells


def as_it_was(cell: str) -> str:
    """The text that `harmless` was given."""
    return HARMLESS.sub(r"\1", cell)


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """The rows as CSV that a Vietnamese spreadsheet opens as it stands and in which no cell is taken for a formula.

    Semicolons between the cells, after the mark by which a spreadsheet knows UTF-8. Numbers stay numbers.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return "\ufeff" + out.getvalue()
