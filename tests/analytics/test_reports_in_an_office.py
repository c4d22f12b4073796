"""Reports as an office opens them: LibreOffice lays the files out, and what is then on paper is read again."""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest

from analytics.facts.vocabulary import METRICS
from analytics.reports import papers, parts, render
from analytics.reports.rules import MEAN, NUMBER, RATE, STATE, Column, Line, Paper, Value, Words, cells_shown
from analytics.reports.vocabulary import NOTE_ROLL_UP, TITLES, WORDS_OF_CODES, closing, frame
from lms import clock
from tests.groups import libreoffice

LINES = 60
HOST = "someone"
WORDS = Words({code: pair[0] for code, pair in WORDS_OF_CODES.items()}, {HOST: "Nguyễn Thị Ngọc Huyền"})
CLOSING = closing(at="14:05, 27/11/2026", on="27/11/2026", code="A3BB-C219-CE20-5B40-EE66", address="https://x.vn/c")
NAME = "Trung tâm Văn hóa, Truyền thông và Thể thao huyện Chiêm Hóa"


def value_in(column: Column, place: int) -> Value:
    """A figure as large as a province has, or words."""
    values: dict[str, Value] = {
        NUMBER: 35_599 + place,
        RATE: (9_996, 10_000),
        MEAN: (8_300 * 1_234, 1_234),
        STATE: "under_way",
        "person": HOST,
        "time": "2026-11-27T00:55:00+00:00",
    }
    few = dict.fromkeys(("points", "exempt", "made_up", "excused"), 1_599 + place)
    told = {"place": f"{place}", "name": f"{NAME} {place}", "plan": "15-CTr/ĐU, 02/12/2026", "note": "Thiếu máy."}
    words: dict[str, Value] = {**few, **told}
    return words.get(column.code) or values.get(column.shown) or "Hội nghị trực tuyến toàn tỉnh"


def paper_of(form: str, columns: Sequence[Column]) -> Paper:
    """So many units or points and their total."""
    now = clock.now()
    lines = [
        Line(str(place), {one.code: value_in(one, place) for one in columns}, depth=place % 3, parent=place % 7 == 0)
        for place in range(1, LINES + 1)
    ]
    total = Line("total", lines[-1].cells | {"place": "", "name": "TỔNG CỘNG"}, parent=True)
    about = {"title": TITLES[form], "about": "Nghị quyết số 48-NQ/TU", "briefing": "Nghị quyết 48"}
    who = {"unit_id": "1", "unit": "Ủy ban nhân dân tỉnh Tuyên Quang", "kind": "province", "above": ""}
    notes = (*(f"{one.name[0]}: {one.means[0]}" for one in METRICS if one.code in papers.EXPLAINED), NOTE_ROLL_UP)
    figures = {"columns": tuple(columns), "lines": tuple(lines), "total": total, "notes": notes}
    sentence = f"Đến 14 giờ 05 phút ngày 27/11/2026, toàn tỉnh có 35.599/35.600 cán bộ được quán triệt, {NAME}. " * 3
    return Paper(form=form, at=now, on=clock.day_of(now), **about, **who, **figures, sentence=sentence)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Word:
    """A word on a page, and the box it fills."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    def covers(self, other: "Word") -> bool:
        """Whether both want more than a point of the same place."""
        beside = min(self.right, other.right) - max(self.left, other.left) > 1.5
        return beside and min(self.bottom, other.bottom) - max(self.top, other.top) > 3


@dataclass(frozen=True)
class Page:
    """A page as it is printed."""

    width: float
    height: float
    words: tuple[Word, ...]

    @property
    def counted(self) -> Counter[str]:
        return Counter(one.text for one in self.words)


PAGE = re.compile(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', re.DOTALL)
WORD = re.compile(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)</word>')


def pages_of(pdf: Path) -> list[Page]:
    """What pdftotext reads on the pages."""
    reader = shutil.which("pdftotext")
    assert reader is not None
    read = subprocess.run([reader, "-bbox", str(pdf), "-"], capture_output=True, check=True).stdout.decode()
    return [
        Page(
            float(width),
            float(height),
            tuple(Word(unescape(text), *map(float, box)) for *box, text in WORD.findall(inside)),
        )
        for width, height, inside in PAGE.findall(read)
    ]


def collisions(page: Page) -> Iterator[tuple[str, str]]:
    """Words of which one stands on the other: what a cell had no room for."""
    words = sorted(page.words, key=lambda one: one.top)
    for place, one in enumerate(words):
        for other in words[place + 1 :]:
            if other.top >= one.bottom:
                break
            if one.covers(other):
                yield one.text, other.text


def printed(folder: Path) -> dict[str, list[Page]]:
    """Each form and kind of file as it comes out of the printer; the office starts once, for it starts slowly."""
    for form, columns in COLUMNS.items():
        paper = paper_of(form, columns)
        around = frame("hd36" if form == "03" else "nd30", kind=paper.kind, unit=paper.unit, above=paper.above)
        (folder / f"{form}-docx.docx").write_bytes(parts.document(paper, WORDS, around, CLOSING))
        (folder / f"{form}-xlsx.xlsx").write_bytes(render.workbook(paper, WORDS, around, CLOSING))
        (folder / f"{form}-typst.pdf").write_bytes(render.pdf(paper, WORDS, around, CLOSING))
    office = libreoffice()
    assert office is not None
    files = [str(one) for one in sorted(folder.glob("*.*x"))]
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [office, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder), *files]
    subprocess.run(command, capture_output=True, check=True, env={**os.environ, "HOME": str(folder)})
    return {one.stem: pages_of(one) for one in sorted(folder.glob("*.pdf"))}


@pytest.mark.libreoffice
def test_what_an_office_prints_is_whole_across_the_page_and_headed_on_each(tmp_path: Path) -> None:
    made = printed(tmp_path)
    assert list(made) == [f"{form}-{kind}" for form in COLUMNS for kind in ("docx", "typst", "xlsx")]
    found = {name: faults(pages, paper_of(name[:2], COLUMNS[name[:2]])) for name, pages in made.items()}
    assert {name: some for name, some in found.items() if some} == {}


COLUMNS = {"01": papers.columns_01(), "03": papers.columns_of("03")}


def faults(pages: Sequence[Page], paper: Paper) -> list[str]:
    """What is wrong with the pages on which a report was printed."""
    found = []
    if len(pages) < 3:
        found.append(f"only {len(pages)} pages")
    labels = [text for one in paper.columns for text in (one.label, f"({one.formula})" if one.formula else "")]
    headings = Counter(word for text in labels for word in text.split())
    for number, page in enumerate(pages, 1):
        if page.width < page.height:
            found.append(f"page {number} is upright")
        found += [f"page {number}: {one!r} on {other!r}" for one, other in collisions(page)]
        found += [
            f"page {number}: {one.text!r} leaves it" for one in page.words if one.left < 0 or one.right > page.width
        ]
        if "35.6" in " ".join(page.counted) and (lost := headings - page.counted):
            found.append(f"page {number} lacks of the headings {dict(lost)}")
    there = pieces(one.text for page in pages for one in page.words)
    cells = (cell for line in [*paper.lines, paper.total] if line for cell in cells_shown(paper, line, WORDS))
    told = [*cells, paper.title, paper.about, paper.sentence, *paper.notes, *CLOSING]
    if lost := pieces(word for text in told for word in text.split()) - there:
        found.append(f"lost or broken: {dict(lost.most_common(12))}")
    if any("##" in word for word in there):
        found.append("cells too narrow for their numbers")
    return found + signed(pages)


def signed(pages: Sequence[Page]) -> list[str]:
    """What is wrong with number, day and signature, which a hand fills in."""
    first, last = pages[0].words, pages[-1]
    blanks = (("/BC-", "Số:"), ("-BC/", "Số"), ("tháng", "ngày"), ("năm", "tháng"), ("20…", "năm"))
    here = {text: one for one in reversed(first) for text, _before in blanks if one.text == text}
    found = [f"{text} is missing" for text in ("tháng", "năm", "20…") if text not in here]
    found += [] if {"/BC-", "-BC/"} & here.keys() else ["no place for the number"]
    for text, before in blanks:
        if text in here and (beside := left_of(here[text], first)) != before:
            found.append(f"{beside!r} before {text!r}")
    office = next(one for one in reversed(last.words) if one.text in {"TỊCH", "THƯ"})
    below = [one.text for one in last.words if one.top >= office.bottom and one.left > last.width * 0.55]
    return found + ([f"signed: {below}"] if below else [])


def left_of(word: Word, words: Sequence[Word]) -> str:
    """The word that stands nearest before it on its line."""
    before = [one for one in words if one.right <= word.left and abs(one.bottom - word.bottom) < 3]
    return max(before, key=lambda one: one.right).text if before else ""


def pieces(words: Iterable[str]) -> Counter[str]:
    """Words, parted where a line may end inside them."""
    return Counter(one for word in words for one in re.split(r"(?<=[-/])", word) if one)
