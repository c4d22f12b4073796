"""Makes the page of a lesson from its Markdown. What a trainer writes can become nothing but the markup listed here.

Two lines of defence, each enough by itself: Markdown is read without raw HTML, links and pictures, and what comes out
is cleaned with an explicit list. Only drawings from the course's own folder are put in after that, as they are.
"""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from html import escape
from itertools import count, pairwise
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

from courses.catalog.rules import ANSWER, CITATION, Block, Document, Register, scan

CONFIDENCE = {
    "A": "trang chính thức hoặc chính văn bản",
    "B": "báo chí hoặc trang pháp luật tóm tắt",
    "C": "nguồn thứ cấp, chưa đối chiếu bản gốc",
}
"""What the letter of a document's confidence means, for readers."""

TAGS = {
    *("p", "h2", "h3", "strong", "em", "br", "ul", "ol", "li", "blockquote", "footer", "a", "span", "code"),
    *("table", "thead", "tbody", "tr", "th", "td", "div", "section", "details", "summary", "figure", "figcaption"),
}
ATTRIBUTES = {
    "a": {"href", "aria-label"},
    "div": {"tabindex", "role", "aria-label"},
    "th": {"scope"},
    "td": {"data-label"},
    "ol": {"start"},
}
CLASSES = {
    "a": {"cite"},
    "span": {"cite", "chip"},
    "div": {"table-scroll"},
    "table": {"stack"},
    "section": {"practice", "extension"},
    "p": {"extension__tag", "extension__source"},
    "td": {"numeric"},
    "th": {"numeric"},
}
SWITCHED_OFF = ("html_block", "html_inline", "reference", "code", "fence", "hr", "lheading")
DEEPEST_HEADING = 3
LONGEST_LABEL = 80
STACKED_FROM = 3
"""So many columns of a table stand one below the other on a phone."""


def lesson_html(body: str, *, register: Register, figures: Mapping[str, str]) -> str:
    """The body of a lesson. A block or drawing nobody knows leaves its text and nothing else."""
    context: dict[str, Any] = {"numbers": count(1), "title": "", "links": True}
    left = dict(figures)
    return "".join(block_html(block, context, register, left) for block in scan(body).blocks)


def intro_html(text: str) -> str:
    """An introduction: citations are shown, but lead nowhere, since its page lists no sources."""
    return cleaned(markdown(text, {"numbers": count(1), "title": "", "links": False}))


def as_markup(html: str) -> Markup:
    """What `lesson_html` or `intro_html` made, for a template: the only place where text becomes markup.

    It may, because such HTML consists of the tags listed above, and the tables that keep it are written once, by
    publishing. No template uses the filter `safe`, and a test holds both.
    """
    return Markup(html)  # noqa: S704  # nosec B704


def block_html(block: Block, context: dict[str, Any], register: Register, figures: dict[str, str]) -> str:
    """One block as a piece of the page. A drawing is taken from `figures`: its ids may stand on a page only once."""
    if block.kind == "practice":
        context["title"] = block.argument
        return cleaned(practice(block, context))
    if block.kind == "extension" and block.argument in register.documents:
        document = register.documents[block.argument]
        context["title"] = document.title
        return cleaned(extension(block, document, context))
    if block.kind == "figure" and block.argument in figures:
        caption = markdown(block.text, context).replace("<p>", "").replace("</p>", "").strip()
        caption = cleaned(f"<figcaption>{caption}</figcaption>")
        return f"<figure>\n{figures.pop(block.argument)}\n{caption}</figure>\n"
    return cleaned(markdown(block.text, context))


def practice(block: Block, context: dict[str, Any]) -> str:
    """The scenario in the open, the model answer and all that follows behind a fold."""
    question, _mark, answer = f"\n{block.text}".partition(f"\n{ANSWER}")
    title = f": {escape(block.argument)}" if block.argument else ""
    shown = f"<h2>Liên hệ thực tiễn{title}</h2>\n{markdown(question, context)}"
    if answer.strip():
        shown += f"<details><summary>Trả lời mẫu</summary>\n{markdown(answer, context)}</details>"
    return f'<section class="practice">{shown}</section>\n'


def extension(block: Block, document: Document, context: dict[str, Any]) -> str:
    """Text from elsewhere, with the document it comes from and how far that may be trusted."""
    meaning = CONFIDENCE[document.confidence]
    more = [f"Địa chỉ: {escape(document.address)}"] if document.address else []
    more += [f"Ghi chú: {escape(document.note)}"] if document.note else []
    folded = f'<p class="extension__source">{"<br>".join(more)}</p>'
    folded = f"<details><summary>Địa chỉ, ghi chú về nguồn này</summary>{folded}</details>" if more else ""
    chip = f'<span class="chip">Mức tin cậy {document.confidence}: {meaning}</span>'
    return (
        '<section class="extension"><h2>Mở rộng – nguồn ngoài bản tin</h2>\n'
        f"{markdown(block.text, context)}"
        f'<p class="extension__source"><strong>{escape(document.title)}</strong><br>{escape(document.issued)}'
        f"<br>{chip}</p>{folded}</section>\n"
    )


def cleaned(html: str) -> str:
    """Only the listed tags, attributes and classes; the only addresses are those of sources on the same page."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        allowed_classes=CLASSES,
        attribute_filter=kept_attribute,
        url_schemes=set(),
        link_rel=None,
    )


def kept_attribute(_tag: str, name: str, value: str) -> str | None:
    """The value of an attribute, or None to drop it."""
    if name == "href":
        return value if re.fullmatch(r"#nguon-L[0-9]+", value) else None
    return value


def markdown(text: str, context: dict[str, Any]) -> str:
    """Markdown without blocks. `context` carries the running number of tables and the heading they stand under."""
    return str(PARSER.render(text, context))


def build_parser() -> MarkdownIt:
    """CommonMark with tables, less all that a lesson may not hold."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=LessonRenderer)
    parser.enable("table").disable(list(SWITCHED_OFF))
    parser.core.ruler.push("lesson", for_lessons)
    return parser


def for_lessons(state: StateCore) -> None:
    """Rework the tokens: no links, no pictures, headings of level 2 and 3, citations, labelled tables."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(max(int(token.tag[1]), 2), DEEPEST_HEADING)}"
        if token.type == "inline":
            token.children = [piece for child in token.children or [] for piece in plain_or_cited(child)]
    end_quotations(state.tokens)
    label_tables(state.tokens, state.env)
    drop_empty_headings(state.tokens)


def plain_or_cited(token: Token) -> list[Token]:
    """A link becomes its words, a picture its description, and citations in text become tokens of their own."""
    if token.type in ("link_open", "link_close"):
        return []
    if token.type == "image":
        return [Token("text", "", 0, content=token.content)]
    if token.type != "text":
        return [token]
    pieces: list[Token] = []
    end = 0
    for match in CITATION.finditer(token.content):
        pieces.append(Token("text", "", 0, content=token.content[end : match.start()]))
        pieces.append(Token("citation", "", 0, content=match[2]))
        end = match.end()
    pieces.append(Token("text", "", 0, content=token.content[end:]))
    return [piece for piece in pieces if piece.content]


def end_quotations(tokens: list[Token]) -> None:
    """The citation that ends a quotation stands below it."""
    for place, token in enumerate(tokens):
        if token.type == "blockquote_close" and place >= 2 and tokens[place - 2].type == "inline":
            children = tokens[place - 2].children or []
            if children and children[-1].type == "citation":
                token.meta["citation"] = children.pop()
                children[-1:] = [Token("text", "", 0, content=last.content.rstrip()) for last in children[-1:]]


def label_tables(tokens: list[Token], context: MutableMapping[str, Any]) -> None:
    """A table that scrolls needs a name: its number in the lesson and the heading it stands under."""
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            words = "".join(child.content for child in tokens[place + 1].children or [] if child.type == "text")
            context["title"] = words.strip()
        elif token.type == "table_open":
            heading = f": {context['title']}" if context["title"] else ""
            token.attrSet("aria-label", f"Bảng {next(context['numbers'])}{heading}"[:LONGEST_LABEL])
            label_cells(tokens[place:], token)


def label_cells(tokens: Sequence[Token], table: Token) -> None:
    """Three columns or more do not fit a phone: there each row stands as a block, each cell under its column's word."""
    columns: list[str] = []
    column = 0
    for token, inside in pairwise(tokens):
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            column = 0
        elif token.type == "th_open":
            columns.append("".join(child.content for child in inside.children or [] if child.type == "text").strip())
        elif token.type == "td_open":
            if column and len(columns) >= STACKED_FROM and columns[column]:
                token.attrSet("data-label", columns[column])
            column += 1
    if len(columns) >= STACKED_FROM:
        table.attrSet("class", "stack")


def drop_empty_headings(tokens: list[Token]) -> None:
    """An empty cell in the head of a table heads nothing."""
    for place, token in enumerate(tokens):
        if token.type == "th_open":
            empty = not (tokens[place + 1].content or "").strip()
            token.tag = tokens[place + 2].tag = "td" if empty else "th"
            token.attrSet("scope", "col")


class LessonRenderer(RendererHTML):
    """Draws the tokens that are not Markdown's own."""

    def citation(self, tokens: Sequence[Token], place: int, _options: Any, context: Any) -> str:
        """Labels of lines, each leading to its entry among the sources."""
        labels = tokens[place].content.split(", ")
        if not context["links"]:
            return f'<span class="cite">[{", ".join(labels)}]</span>'
        return "".join(f'<a class="cite" href="#nguon-{one}" aria-label="Nguồn {one}">[{one}]</a>' for one in labels)

    def blockquote_close(self, tokens: Sequence[Token], place: int, options: Any, context: Any) -> str:
        """The end of a quotation, with where it comes from."""
        cited = tokens[place].meta.get("citation")
        footer = f"<footer>Trích bản tin {self.citation([cited], 0, options, context)}</footer>" if cited else ""
        return f"{footer}</blockquote>\n"

    def table_open(self, tokens: Sequence[Token], place: int, _options: Any, _context: Any) -> str:
        """A table scrolls by itself where it is wider than the page, also by keyboard."""
        label = escape(str(tokens[place].attrGet("aria-label")))
        stack = ' class="stack"' if tokens[place].attrGet("class") else ""
        return f'<div class="table-scroll" tabindex="0" role="region" aria-label="{label}"><table{stack}>\n'

    def table_close(self, _tokens: Sequence[Token], _place: int, _options: Any, _context: Any) -> str:
        """The end of a table and of what it scrolls in."""
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], place: int, _options: Any, _context: Any) -> str:
        """A cell of the head or body; right-aligned columns hold numbers."""
        token = tokens[place]
        numeric = ' class="numeric"' if "right" in str(token.attrGet("style") or "") else ""
        scope = ' scope="col"' if token.tag == "th" else ""
        word = token.attrGet("data-label")
        label = f' data-label="{escape(str(word))}"' if word and token.tag == "td" else ""
        return f"<{token.tag}{scope}{numeric}{label}>"

    td_open = th_open


PARSER = build_parser()
