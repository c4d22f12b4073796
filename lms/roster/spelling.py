"""Vietnamese as it was typed before Unicode: the encodings TCVN3 (ABC) and VNI, recognised and converted. Pure.

In both, a font drew Vietnamese letters over the places of Western ones; what such a cell holds reads as "Uû ban nh©n
d©n" or "Nguyeãn Vaên" without its font. The tables are those of TCVN 5712:1993 (VN3) and of the VNI fonts for Windows.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice

from lms.roster.rules import DOUBTFUL, LONGEST_READ, TCVN3, TCVN3_CAPITALS, TEXT, VNI, Line, Sheet
from lms.text import composed, decomposed

OLD_FONTS = frozenset({TCVN3, TCVN3_CAPITALS, VNI})
UNICODE = "unicode"
AUTO = "auto"
READINGS = (AUTO, UNICODE, "tcvn3", "vni")
"""How the text of a list may be read: by its fonts and its letters, or as somebody has said."""

TCVN3_LETTERS = (
    "ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴẮẦẨẪẤỀặầẩẫấậ"
    "èỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵ"
)
"""The letters of the places 0xA1 to 0xFE. A font whose name ends in H shows small letters as capitals."""

FROM_TCVN3 = {0xA1 + place: letter for place, letter in enumerate(TCVN3_LETTERS)}

TONES = {"ù": "\u0301", "ø": "\u0300", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"}
CIRCUMFLEX = {"â": "", "á": "\u0301", "à": "\u0300", "å": "\u0309", "ã": "\u0303", "ä": "\u0323"}
BREVE = {"ê": "", "é": "\u0301", "è": "\u0300", "ú": "\u0309", "ü": "\u0303", "ë": "\u0323"}
ALONE = {"í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "ô": "ơ", "ö": "ư", "ñ": "đ", "î": "ỵ"}


def vni_pairs() -> dict[str, str]:
    """What VNI writes with one letter or with two, and the letter it means; small and capital."""
    found = dict(ALONE)
    for vowel in "aeouyôö":
        plain = ALONE.get(vowel, vowel)
        found |= {vowel + sign: plain + tone for sign, tone in TONES.items()}
    for vowel in "aeo":
        found |= {vowel + sign: vowel + "\u0302" + tone for sign, tone in CIRCUMFLEX.items()}
    found |= {"a" + sign: "a\u0306" + tone for sign, tone in BREVE.items()}
    small = {written: composed(letter) for written, letter in found.items()}
    capital = {written.upper(): letter.upper() for written, letter in small.items()}
    mixed = {written[0].upper() + written[1:]: letter.upper() for written, letter in small.items()}
    return {**small, **capital, **mixed}


FROM_VNI = vni_pairs()
VNI_SIGN = re.compile("|".join(sorted(map(re.escape, FROM_VNI), key=len, reverse=True)))

ONSET = "(?:ngh|ng|nh|th|tr|kh|ph|ch|gh|gi|qu|[bcdđghklmnpqrstvxfjwz])?"
BARE_RHYME = re.compile(
    ONSET + "(?:"
    "[aăâeêioôơuưy](?:ng|nh|ch|[mnpct])?|a[iouy]|ây|âu|e[ou]|êu|i[aêu]|iê(?:ng|[umnpct])|yê(?:ng|[umnpct])|ya|o[aăei]|"
    "oa(?:ng|nh|ch|[iymnct])|oă(?:ng|[mnct])|oe[on]?|oo(?:ng|c)|ôi|ơi|u[aâêơiy]|uâ(?:ng|[ynt])|uô(?:ng|[imnct])|"
    "uê(?:nh|ch)?|uy(?:nh|ch|[aunptê])?|uyê[nt]|ui|ưa|ưi|ưu|ươ(?:ng|[iumnpct])|uơ|iu|ia"
    ")"
)
"""A syllable of Vietnamese without its tone. Names of the mountains fit nearly all of them."""

MARKS = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
WORD = re.compile(r"[^\s!-/:-@\[-`{-~]+")
PLACES_ABOVE_ASCII = re.compile("[\u00a1-\u00ff]")
BEYOND_LATIN = re.compile("[\u0100-\u024f\u1e00-\u1eff\u0300-\u0323]")


def from_tcvn3(text: str, *, capitals: bool = False) -> str:
    """The text a TCVN3 font showed; `capitals` for a font that shows small letters as capitals."""
    read = composed(text.translate(FROM_TCVN3))
    return read.upper() if capitals else read


def from_vni(text: str) -> str:
    """The text a VNI font showed."""
    return VNI_SIGN.sub(lambda found: FROM_VNI[found[0]], text)


@lru_cache(maxsize=20_000)
def is_syllable(word: str) -> bool:
    """Whether the word can be one of Vietnamese, with its marks."""
    bare = "".join(c for c in decomposed(word.casefold()) if c not in MARKS)
    return BARE_RHYME.fullmatch(composed(bare)) is not None


def share(words: Iterable[str]) -> float:
    """How many of the words are syllables of Vietnamese, from 0 to 1; of those that hold more than ASCII."""
    asked = [word for word in words if not word.isascii()]
    return sum(map(is_syllable, asked)) / len(asked) if asked else 0.0


def reading_of(texts: Iterable[str]) -> str:
    """How a text is to be read by its letters: as it is, unless far more of it is Vietnamese read otherwise."""
    words = list(islice((word for text in texts for word in WORD.findall(text) if not word.isascii()), 4_000))
    as_is = share(words)
    best, shares = UNICODE, as_is + 0.2
    for reading, convert in (("tcvn3", from_tcvn3), ("vni", from_vni)):
        found = share([convert(word) for word in words])
        if found > shares and found >= 0.6:
            best, shares = reading, found
    return best


def mark_of_font(name: str) -> str:
    """What a cell in this font holds, by the habit of naming: .VnTime and .VnTimeH, VNI-Times."""
    lower = name.strip().lower()
    if lower.startswith(".vn"):
        return TCVN3_CAPITALS if name.strip().endswith("H") else TCVN3
    return VNI if lower.startswith(("vni-", "vni ")) else TEXT


def by_font(text: str, mark: str) -> str:
    """The text as its font would show it."""
    return from_vni(text) if mark == VNI else from_tcvn3(text, capitals=mark == TCVN3_CAPITALS)


AS_IT_IS, AS_ITS_FONT, EITHER = "as it is", "as its font", "either"


def leaning(text: str, mark: str) -> str:
    """How a cell in an old font is to be read by its own letters; "" where that makes no difference."""
    if text.isascii() or BEYOND_LATIN.search(text):
        return "" if text.isascii() else AS_IT_IS
    made = by_font(text, mark)
    if made == text:
        return ""
    shares = fair_share(text), fair_share(made)
    return EITHER if shares[0] == shares[1] else AS_IT_IS if shares[0] > shares[1] else AS_ITS_FONT


def fair_share(text: str) -> float:
    """As `share`; a word with a capital behind a small letter, or with small letters behind two capitals, is none."""
    asked = [word for word in WORD.findall(text) if not word.isascii()]
    return sum(is_syllable(word) and word in (word.lower(), word.upper(), word.capitalize()) for word in asked) / max(
        1, len(asked)
    )


Leanings = dict[tuple[str, str], str]
"""How cells in old fonts are to be read, by text and mark: the same is looked at once, however many cells say it."""


def columns_of_fonts(sheet: Sheet, known: Leanings) -> dict[int, str]:
    """For each column with cells in old fonts: how those are read that may be read either way.

    As most others of the column, three to one: a font stays when somebody types Unicode in it. Fills `known`.
    """
    found: dict[int, Counter[str]] = {}
    for line in sheet.lines:
        if OLD_FONTS & set(line.marks):
            for column, both in enumerate(zip(line.cells, line.marks, strict=True)):
                if both[1] in OLD_FONTS and len(both[0]) <= LONGEST_READ:
                    if both not in known:
                        known[both] = leaning(*both)
                    found.setdefault(column, Counter())[known[both]] += 1
    return {column: verdict(one[AS_IT_IS], one[AS_ITS_FONT]) for column, one in found.items()}


def verdict(kept: int, converted: int) -> str:
    """How cells are read that may be read either way, beside so many that may not."""
    if max(kept, converted) < max(1, 3 * min(kept, converted)):
        return EITHER
    return AS_IT_IS if kept > converted else AS_ITS_FONT


def read_by_font(text: str, mark: str, others: str, lean: str) -> tuple[str, str]:
    """A cell in an old font as it was meant, and what it is then; `others`: how the rest of its column is read."""
    lean = others if lean == EITHER else lean
    if lean == EITHER:
        return text, DOUBTFUL
    return (by_font(text, mark) if lean == AS_ITS_FONT else text), mark


def read(text: str, reading: str) -> str:
    """A cell whose font says nothing, as it was meant: converted only where that makes it no less Vietnamese."""
    convert = {"tcvn3": from_tcvn3, "vni": from_vni}.get(reading)
    if convert is None or text.isascii() or BEYOND_LATIN.search(text) or not PLACES_ABOVE_ASCII.search(text):
        return text
    made = convert(text)
    return made if share(WORD.findall(made)) >= share(WORD.findall(text)) else text


def found_reading(sheet: Sheet) -> str:
    """How the cells of a sheet are read whose font says nothing: by the letters of its first lines."""
    texts = [
        cell
        for line in sheet.lines[:400]
        for cell, mark in zip(line.cells, line.marks, strict=True)
        if mark == TEXT and not cell.isascii()
    ]
    return reading_of(texts)


def as_meant(sheet: Sheet, reading: str = AUTO) -> Sheet:
    """The sheet with every cell as it was meant; `reading` as an administrator has said, or by what is found."""
    if reading == UNICODE:
        return sheet
    told = found_reading(sheet) if reading == AUTO else reading  # for cells whose font says nothing
    known: Leanings = {}
    columns = columns_of_fonts(sheet, known)
    if told == UNICODE and not columns:
        return sheet
    others = columns if reading == AUTO else dict.fromkeys(columns, AS_ITS_FONT)  # whoever says so has seen it
    read_once: dict[tuple[str, str, str], tuple[str, str]] = {}

    def cell_meant(text: str, mark: str, column: int) -> tuple[str, str]:
        """A cell as it was meant, and what it is then."""
        if text.isascii() or len(text) > LONGEST_READ:
            return text, mark
        key = text, mark, others[column] if mark in OLD_FONTS else ""
        if key not in read_once:
            by_its_font = mark in OLD_FONTS
            read_once[key] = read_by_font(*key, known[text, mark]) if by_its_font else (read(text, told), mark)
        return read_once[key]

    return Sheet(sheet.name, tuple(meant(line, cell_meant) for line in sheet.lines))


def meant(line: Line, cell_meant: Callable[[str, str, int], tuple[str, str]]) -> Line:
    """One line, every cell as it was meant. What is said of the whole file holds for cells in any plain font."""
    if all(cell.isascii() for cell in line.cells):
        return line
    cells = [
        cell_meant(cell, mark, column) for column, (cell, mark) in enumerate(zip(line.cells, line.marks, strict=True))
    ]
    return Line(line.number, tuple(cell for cell, _ in cells), "".join(mark for _, mark in cells))


NAME = re.compile("(?:[^\\W\\d_]|[ .'’ʼ()\u0300-\u036f-])+")


def strange(name: str, key: str) -> bool:
    """Whether a name that folds to `key` holds what no name holds: it may have been read in the wrong encoding."""
    return NAME.fullmatch(name) is None or PLACES_ABOVE_ASCII.search(key) is not None
