"""A paper as a DOCX that an office can go on writing in: the same input makes the same bytes. Pure.

Rows are written as XML at once: the library looks a cell up anew each time, which takes minutes for a long table.
"""

import io
import zipfile
from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

import docx
from docx.document import Document
from docx.enum.section import WD_ORIENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Mm, Pt

from analytics.reports.rules import FIGURES, Column, Line, Paper, Words, cells_shown, headings
from analytics.reports.vocabulary import BLANK_DATE, MOTTO, PARTY_NAME, Frame
from lms.text import visible

FONT = "Times New Roman"
WIDTH = 15_300
"""The width of the text on A4 across, in twentieths of a point."""

STAMP = (1980, 1, 1, 0, 0, 0)
"""The moment of every file inside: the moment of the report stands in its properties."""

SIDES = ("top", "left", "bottom", "right", "insideH", "insideV")
LINES = "".join(f'<w:{side} w:val="single" w:sz="4" w:color="000000"/>' for side in SIDES)


def document(paper: Paper, words: Words, frame: Frame, closing: Sequence[str]) -> bytes:
    """The report as a document for A4 across, with the heading rows repeated on each page."""
    made = docx.Document()
    prepare(made, paper)
    body = made.element.body
    end = body.sectPr
    for piece in (
        head(frame),
        paragraph(""),
        paragraph(f"Biểu {paper.form}", align="right", italic=True, size=11),
        paragraph(paper.title, align="center", bold=True, size=14),
        paragraph(paper.about, align="center", size=12, after=120),
        *([paragraph(paper.sentence, align="both", size=12, after=120)] if paper.sentence else []),
        table(paper, words),
        paragraph("", size=4),
        *(paragraph(note, italic=True, size=9.5) for note in (*paper.notes, *closing)),
        paragraph(""),
        signed(frame),
    ):
        end.addprevious(parse_xml(piece))
    out = io.BytesIO()
    made.save(out)
    return same_bytes(out.getvalue())


def prepare(made: Document, paper: Paper) -> None:
    """Paper, margins, font, number of the page at the top from the second page on, and properties."""
    section = made.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    section.left_margin, section.right_margin, section.top_margin, section.bottom_margin = (
        Mm(15),
        Mm(12),
        Mm(20),
        Mm(18),
    )
    section.different_first_page_header_footer = True
    number = parse_xml(
        f'<w:p {nsdecls("w")}><w:pPr><w:jc w:val="center"/></w:pPr><w:fldSimple w:instr=" PAGE ">'
        f"<w:r>{looks(13)}<w:t>2</w:t></w:r></w:fldSimple></w:p>"
    )
    header = section.header._element
    for old in list(header):
        header.remove(old)
    header.append(number)
    style = made.styles["Normal"]
    style.font.name, style.font.size = FONT, Pt(12)
    told = made.core_properties
    told.title, told.subject, told.author, told.comments = paper.title, paper.about, "", ""
    told.created = told.modified = paper.at.replace(microsecond=0, tzinfo=None)
    told.last_modified_by, told.revision, told.language = "", 1, "vi-VN"


def looks(size: float, *, bold: bool = False, italic: bool = False, underline: bool = False) -> str:
    """The properties of a run."""
    styles = "<w:b/>" * bold + "<w:i/>" * italic
    line = '<w:u w:val="single"/>' * underline
    return (
        f'<w:rPr><w:rFonts w:ascii="{FONT}" w:hAnsi="{FONT}" w:cs="{FONT}"/>{styles}<w:sz w:val="{round(size * 2)}"/>'
        f'{line}<w:lang w:val="vi-VN"/></w:rPr>'
    )


def paragraph(
    text: str,
    *,
    align: str = "left",
    size: float = 12,
    bold: bool = False,
    italic: bool = False,
    underline: bool = False,
    indent: int = 0,
    before: int = 0,
    after: int = 40,
    within: bool = False,
) -> str:
    """A paragraph of one text. `within`: of a cell, which needs no namespace of its own."""
    space = "" if within else " " + nsdecls("w")
    left = f'<w:ind w:left="{indent}"/>' if indent else ""
    run = looks(size, bold=bold, italic=italic, underline=underline)
    return (
        f'<w:p{space}><w:pPr><w:spacing w:before="{before}" w:after="{after}" w:line="240" w:lineRule="auto"/>'
        f'{left}<w:jc w:val="{align}"/></w:pPr>'
        f'<w:r>{run}<w:t xml:space="preserve">{escape(visible(text))}</w:t></w:r></w:p>'
    )


def cell(width: int, inside: str, *, span: int = 1, merge: str = "", fill: str = "", top: bool = False) -> str:
    """A cell; `merge`: "restart" or "continue" of one that goes over rows."""
    told = f'<w:tcW w:w="{width}" w:type="dxa"/>'
    told += f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    told += f'<w:vMerge w:val="{merge}"/>' if merge else ""
    told += f'<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/>' if fill else ""
    told += f'<w:vAlign w:val="{"top" if top else "center"}"/>'
    return f"<w:tc><w:tcPr>{told}</w:tcPr>{inside}</w:tc>"


def rows_of(rows: Iterable[tuple[str, bool]]) -> str:
    """Rows, each with whether it is repeated on every page; none is parted by the end of a page."""
    found = []
    for inside, repeated in rows:
        found.append(f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' * repeated}</w:trPr>{inside}</w:tr>")
    return "".join(found)


def grid(widths: Sequence[int], rows: Iterable[tuple[str, bool]], *, lined: bool, pad: int = 40) -> str:
    """A table of fixed widths."""
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:jc w:val="center"/>'
        f'<w:tblBorders>{LINES if lined else ""}</w:tblBorders><w:tblLayout w:type="fixed"/><w:tblCellMar>'
        f'<w:left w:w="{pad}" w:type="dxa"/><w:right w:w="{pad}" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{columns}</w:tblGrid>{rows_of(rows)}</w:tbl>"
    )


def head(frame: Frame) -> str:
    """The head of the document: a table without lines, the issuer on the left."""
    left = paragraph(frame.above, align="center", within=True, after=0) if frame.above else ""
    left += paragraph(frame.issuer, align="center", bold=True, underline=not frame.of_party, within=True, after=0)
    if frame.of_party:
        left += paragraph("*", align="center", within=True, after=0)
        right = paragraph(PARTY_NAME, align="center", bold=True, underline=True, size=14, within=True, after=0)
        right += paragraph("", within=True, after=0)
    else:
        left += paragraph("", within=True, after=0, size=6)
        right = paragraph(MOTTO[0], align="center", bold=True, within=True, after=0)
        right += paragraph(MOTTO[1], align="center", bold=True, underline=True, size=13, within=True, after=0)
        right += paragraph("", within=True, after=0, size=6)
    left += paragraph(frame.number, align="center", within=True, after=0)
    right += paragraph(f"{frame.place}, {BLANK_DATE}", align="center", italic=True, within=True, after=0)
    widths = (WIDTH * 45 // 100, WIDTH * 55 // 100)
    return grid(widths, [(cell(widths[0], left, top=True) + cell(widths[1], right, top=True), False)], lined=False)


def table(paper: Paper, words: Words) -> str:
    """The table with its headings."""
    widths = spread(paper.columns)
    size = 7 if len(widths) > 12 else 10.5
    rows = [(one, True) for one in heading_rows(paper.columns, widths, size)]
    lines = [*paper.lines, *([paper.total] if paper.total else [])]
    rows += [(line_of(paper, line, words, widths, size), False) for line in lines]
    return grid(widths, rows, lined=True, pad=10 if len(widths) > 12 else 70)


def spread(columns: Sequence[Column]) -> list[int]:
    """The widths of the columns, over the whole page."""
    whole = sum(column.width for column in columns)
    return [WIDTH * column.width // whole for column in columns]


def heading_rows(columns: Sequence[Column], widths: Sequence[int], size: float) -> list[str]:
    """One or two rows of headings, and the row of numbers."""
    shade, grouped = "E9EEF0", any(column.group for column in columns)

    def said(text: str) -> str:
        return paragraph(text, align="center", bold=True, size=size, within=True, after=0)

    upper = "".join(
        cell(
            sum(widths[one.first : one.last + 1]),
            said(one.label),
            span=one.last - one.first + 1,
            merge="restart" if one.alone and grouped else "",
            fill=shade,
        )
        for one in headings(columns)
    )
    found = [upper]
    if grouped:
        found.append(
            "".join(
                cell(
                    width,
                    said(column.label if column.group else ""),
                    merge="" if column.group else "continue",
                    fill=shade,
                )
                for column, width in zip(columns, widths, strict=True)
            )
        )
    if any(column.formula for column in columns):
        numbers = zip(columns, widths, strict=True)
        found.append("".join(cell(width, small(f"({column.formula})", size - 2)) for column, width in numbers))
    return found


def small(text: str, size: float) -> str:
    return paragraph(text, align="center", italic=True, size=size, within=True, after=0)


def line_of(paper: Paper, line: Line, words: Words, widths: Sequence[int], size: float) -> str:
    """A row of the table."""
    fill = "F3F3F3" if line is paper.total else ""
    cells = []
    for column, width, text in zip(paper.columns, widths, cells_shown(paper, line, words), strict=True):
        align = "right" if column.shown in FIGURES else "center" if column.code == "place" else "left"
        inside = paragraph(
            text,
            align=align,
            size=size,
            bold=line.parent or column.strong,
            indent=line.depth * 90 if column.code == "name" else 0,
            within=True,
            before=15,
            after=15,
        )
        cells.append(cell(width, inside, fill=fill))
    return "".join(cells)


def signed(frame: Frame) -> str:
    """The recipients on the left, and on the right who signs, with room for it."""
    left = paragraph("Nơi nhận:", bold=True, italic=True, within=True, after=0)
    left += "".join(paragraph(one, size=11, within=True, after=0) for one in frame.recipients)
    offices = [one for one in (frame.signature.behalf, frame.signature.office) if one]
    right = "".join(paragraph(one, align="center", bold=True, within=True, after=0) for one in offices)
    right += paragraph("", within=True, after=900)
    widths = (WIDTH // 2, WIDTH // 2)
    return grid(widths, [(cell(widths[0], left, top=True) + cell(widths[1], right, top=True), False)], lined=False)


def same_bytes(made: bytes) -> bytes:
    """The same parts in the same order, each with the same moment."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            told = zipfile.ZipInfo(name, STAMP)
            told.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(told, old.read(name))
    return out.getvalue()
