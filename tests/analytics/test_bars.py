"""Charts as plain values: what Plotly accepts, and that a name is never markup."""

import json

import plotly.graph_objects as go
import pytest

from analytics.figures.bars import LONGEST_ON_A_PHONE, Bar, Part, stacked_shares

PARTS = (Part("Hoàn thành", "--accent"), Part("Đang học", "--accent-soft", striped=True), Part("Chưa học", "--line"))


def bar(name: str, *counts: int, short_name: str = "") -> Bar:
    return Bar(name, short_name or name, counts, "84 %")


def test_the_figure_is_one_that_plotly_accepts() -> None:
    figure = stacked_shares([bar("Sở Y tế", 5, 3, 2), bar("Sở Nội vụ", 0, 0, 4)], PARTS, late="Quá hạn", people="người")
    assert len(go.Figure(figure).data) == 4
    json.dumps(figure)


def test_a_figure_without_rows_is_accepted_too() -> None:
    go.Figure(stacked_shares([], PARTS, late="Quá hạn", people="người"))


def test_the_parts_of_each_bar_are_shares_of_its_own_people() -> None:
    figure = stacked_shares(
        [bar("Ba người", 1, 1, 1), bar("Ba nghìn người", 2997, 2, 1)], PARTS, late="Quá hạn", people="người"
    )
    assert [trace["x"] for trace in figure["data"][:3]] == [[33.333, 99.9], [33.333, 0.067], [33.333, 0.033]]


def test_rows_without_people_are_left_out() -> None:
    figure = stacked_shares([bar("Trống", 0, 0, 0), bar("Sở Y tế", 1, 0, 0)], PARTS, late="Quá hạn", people="người")
    assert [trace["y"] for trace in figure["data"][:3]] == [[0], [0], [0]]
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
    figure = stacked_shares([hostile], parts, late=name, people="người")
    texts = [note["text"] for note in figure["layout"]["annotations"]]
    texts += [trace["name"] for trace in figure["data"]]
    texts += [text.replace("<br>", "", 1) for trace in figure["data"] for text in trace["customdata"]]
    texts += [note["name"] for note in figure["layout"]["annotations"][::2]]
    assert len(texts) == 11
    assert not [text for text in texts if "<" in text or ">" in text]
    assert any("&amp;lt;b" in text for text in texts) == ("&lt;" in name)


def test_a_name_too_long_for_a_phone_gives_way_to_the_shorter_one_and_then_is_cut() -> None:
    long = "Ban Quản lý các khu công nghiệp và khu kinh tế cửa khẩu tỉnh Tuyên Quang"
    bars = [bar(long, 1, 0, 0, short_name="Ban QLKCN"), bar(long, 1, 0, 0), bar("Sở Giáo dục và Đào tạo tỉnh", 1, 0, 0)]
    figure = stacked_shares(bars, PARTS, late="Quá hạn", people="người")
    assert [note["text"] for note in figure["layout"]["annotations"][::2]] == [
        "Ban QLKCN",
        "Ban Quản lý các khu công nghiệp và khu kinh tế cửa khẩu…",
        "Sở Giáo dục và Đào tạo tỉnh",
    ]
    short = [note["name"] for note in figure["layout"]["annotations"][::2]]
    assert short == ["Ban QLKCN", "Ban Quản lý các khu công…", "Sở Giáo dục và Đào tạo tỉnh"]
    assert max(map(len, short)) <= LONGEST_ON_A_PHONE
    assert long in figure["data"][0]["customdata"][1]


def test_a_red_line_under_the_end_of_a_bar_is_as_long_as_the_share_of_the_late() -> None:
    late = Bar("Huyện Lâm Bình", "Lâm Bình", (1, 1, 2), "25 %", late=3)
    figure = stacked_shares([bar("Sở Y tế", 1, 1, 2), late], PARTS, late="Quá hạn", people="người")
    line = figure["data"][-1]
    assert (line["name"], line["base"], line["x"]) == ("Quá hạn", [100, 25], [0, 75])
    assert line["marker"]["color"] == "var(--red)"
    assert line["customdata"][1] == "Huyện Lâm Bình<br>Quá hạn: 3 người (75 %)"
    colours = [note["font"]["color"] for note in figure["layout"]["annotations"][1::2]]
    assert colours == ["var(--ink)", "var(--red)"]


def test_colours_are_named_so_that_light_and_dark_choose_them() -> None:
    figure = stacked_shares([bar("Sở Y tế", 1, 1, 1)], PARTS, late="Quá hạn", people="người")
    assert [trace["marker"]["color"] for trace in figure["data"]] == [
        "var(--accent)",
        "var(--accent-soft)",
        "var(--line)",
        "var(--red)",
    ]
    assert "#" not in json.dumps(figure["layout"])
