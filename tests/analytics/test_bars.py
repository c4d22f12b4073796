"""Charts as plain values: what Plotly accepts, and that a name is never markup."""

import json

import plotly.graph_objects as go
import pytest

from analytics.figures.bars import LONGEST, Bar, Part, stacked_shares

PARTS = (Part("Hoàn thành", "--accent"), Part("Đang học", "--accent-soft", striped=True), Part("Chưa học", "--line"))


def bar(name: str, *counts: int, short_name: str = "") -> Bar:
    return Bar(name, short_name or name, counts, "84 %")


def test_the_figure_is_one_that_plotly_accepts() -> None:
    figure = stacked_shares([bar("Sở Y tế", 5, 3, 2), bar("Sở Nội vụ", 0, 0, 4)], PARTS, people="người")
    assert len(go.Figure(figure).data) == 3
    json.dumps(figure)


def test_a_figure_without_rows_is_accepted_too() -> None:
    go.Figure(stacked_shares([], PARTS, people="người"))


def test_the_parts_of_each_bar_are_shares_of_its_own_people() -> None:
    figure = stacked_shares([bar("Ba người", 1, 1, 1), bar("Ba nghìn người", 2997, 2, 1)], PARTS, people="người")
    assert [trace["x"] for trace in figure["data"]] == [[33.333, 99.9], [33.333, 0.067], [33.333, 0.033]]


def test_rows_without_people_are_left_out() -> None:
    figure = stacked_shares([bar("Trống", 0, 0, 0), bar("Sở Y tế", 1, 0, 0)], PARTS, people="người")
    assert [trace["y"] for trace in figure["data"]] == [[0], [0], [0]]
    assert "Trống" not in json.dumps(figure, ensure_ascii=False)


@pytest.mark.parametrize(
    "name",
    [
        "<b>Sở</b> & <a href='javascript:alert(1)'>x</a>",
        "<img src=x onerror=alert(1)>",
        "</script><script>alert(1)</script>",
        "Sở &lt;b&gt;Y tế",
    ],
)
def test_names_are_text_wherever_plotly_would_read_markup(name: str) -> None:
    hostile = Bar(name, name, (1, 2, 3), name)
    parts = (*PARTS[:2], Part(name, "--line"))
    figure = stacked_shares([hostile], parts, people="người")
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    texts += [trace["name"] for trace in figure["data"]]
    texts += [text.replace("<br>", "", 1) for trace in figure["data"] for text in trace["customdata"]]
    assert len(texts) == 8
    assert not [text for text in texts if "<" in text or ">" in text]
    assert any("&amp;lt;b" in text for text in texts) == ("&lt;" in name)


def test_a_name_too_long_for_a_phone_gives_way_to_the_shorter_one_and_then_is_cut() -> None:
    long = "Ban Quản lý các khu công nghiệp và khu kinh tế cửa khẩu tỉnh"
    figure = stacked_shares([bar(long, 1, 0, 0, short_name="Ban QLKCN"), bar(long, 1, 0, 0)], PARTS, people="người")
    first, _, second, _ = [note["text"] for note in figure["layout"]["annotations"]]
    assert first == "Ban QLKCN"
    assert second == "Ban Quản lý các khu công nghiệp và…"
    assert len(second) <= LONGEST
    assert long in figure["data"][0]["customdata"][1]


def test_colours_are_named_so_that_light_and_dark_choose_them() -> None:
    figure = stacked_shares([bar("Sở Y tế", 1, 1, 1)], PARTS, people="người")
    assert [trace["marker"]["color"] for trace in figure["data"]] == [
        "var(--accent)",
        "var(--accent-soft)",
        "var(--line)",
    ]
    assert "#" not in json.dumps(figure["layout"])
