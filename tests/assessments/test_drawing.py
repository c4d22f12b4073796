"""Drawing papers: fair to topics and levels, repeatable, and silent about the key."""

from collections import Counter
from random import Random

import pytest

from assessments.papers.rules import Drawn, InPool, draw, mixed

LEVELS = ("remember", "understand", "apply", "analyse")


def pool(*, modules: int = 1, topics: int = 4, each: int = 3, kind: str = "single") -> list[InPool]:
    """`each` questions for every topic of every module, levels taken in turn."""
    places = [(m, t, n) for m in range(modules) for t in range(topics) for n in range(each)]
    return [InPool(i, m, f"t{t}", LEVELS[i % 4], kind, 4) for i, (m, t, _n) in enumerate(places)]


def drawn_from(questions: list[InPool], paper: tuple[Drawn, ...]) -> list[InPool]:
    by_id = {one.version_id: one for one in questions}
    return [by_id[one.version_id] for one in paper]


def test_the_same_seed_gives_the_same_paper_whatever_the_order_of_the_bank() -> None:
    questions = pool()
    assert draw(questions, 6, seed=5) == draw(questions[::-1], 6, seed=5)
    assert len({draw(questions, 6, seed=seed) for seed in range(20)}) == 20


def test_no_question_stands_twice_and_a_small_bank_gives_all_it_has() -> None:
    for seed in range(50):
        paper = draw(pool(), 6, seed=seed)
        assert len({one.version_id for one in paper}) == len(paper) == 6
    assert len(draw(pool(topics=1, each=3), 6, seed=1)) == 3
    assert draw([], 6, seed=1) == ()


@pytest.mark.parametrize(("topics", "each"), [(4, 3), (6, 2), (5, 4)])
def test_every_topic_is_touched_and_levels_keep_their_share(topics: int, each: int) -> None:
    questions = pool(topics=topics, each=each)
    for seed in range(200):
        chosen = drawn_from(questions, draw(questions, 6, seed=seed))
        assert len({one.topic for one in chosen}) == topics
        assert max(Counter(one.level for one in chosen).values()) <= 3


def test_the_final_test_asks_each_module_alike() -> None:
    questions = pool(modules=6, topics=4, each=3)
    for seed in range(100):
        chosen = drawn_from(questions, draw(questions, 20, seed=seed))
        modules = Counter(one.module_id for one in chosen)
        assert set(modules.values()) == {3, 4}
        for module, count in modules.items():
            assert len({one.topic for one in chosen if one.module_id == module}) == count


def test_over_many_papers_every_question_is_drawn_about_as_often() -> None:
    questions = pool()
    times = Counter(one.version_id for seed in range(600) for one in draw(questions, 6, seed=seed))
    assert chi_square(list(times.values())) < 24.7  # 11 degrees of freedom, p = 0.01
    assert len(times) == len(questions)


def test_the_right_option_stands_in_each_place_equally_often() -> None:
    questions = pool()
    key = {one.version_id: one.version_id % 4 for one in questions}
    places = Counter(
        one.shown.index(key[one.version_id]) for seed in range(240) for one in draw(questions, 6, seed=seed)
    )
    assert sum(places.values()) == 1440
    assert chi_square([places[place] for place in range(4)]) < 11.34  # 3 degrees of freedom, p = 0.01


def test_the_first_question_of_a_paper_is_of_any_topic() -> None:
    questions = pool()
    first = Counter(drawn_from(questions, draw(questions, 6, seed=seed))[0].topic for seed in range(400))
    assert chi_square([first[f"t{topic}"] for topic in range(4)]) < 11.34


@pytest.mark.parametrize("kind", ["order", "match"])
def test_what_is_to_be_ordered_or_matched_is_never_shown_solved(kind: str) -> None:
    for size in (2, 3, 4):
        shown = {mixed(kind, size, Random(seed)) for seed in range(300)}
        assert tuple(range(size)) not in shown
        assert len(shown) == {2: 1, 3: 5, 4: 23}[size]
    assert mixed(kind, 1, Random(1)) == (0,)


def chi_square(counts: list[int]) -> float:
    """Pearson's statistic against equal shares."""
    expected = sum(counts) / len(counts)
    return sum((count - expected) ** 2 / expected for count in counts)
