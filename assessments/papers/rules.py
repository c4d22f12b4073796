"""Drawing a paper: which questions, in what order, how their options are shown. Pure: same seed, same paper."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from assessments.bank.rules import MATCH, ORDER


@dataclass(frozen=True, slots=True)
class InPool:
    """What drawing needs to know of a question: where it belongs, and how many things it shows in mixed order."""

    version_id: int
    module_id: int
    topic: str
    level: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A question on a paper. `shown` lists original positions in the order in which they are shown."""

    version_id: int
    shown: tuple[int, ...]


def draw(pool: Sequence[InPool], count: int, *, seed: int) -> tuple[Drawn, ...]:
    """A paper of `count` questions (or of all there are), spread over modules, topics and levels by their share.

    Each question is taken from the module, then topic, then level that is furthest behind its share of the pool; chance
    decides between equals. So a paper with as many questions as topics touches every topic.
    """
    chance = random.Random(seed)  # noqa: S311 - shuffles; what must not be guessed is the seed
    left = sorted(pool, key=lambda one: one.version_id)
    chance.shuffle(left)
    sizes = Counter(key for one in left for key in strata(one))
    taken: Counter[tuple[str, ...]] = Counter()
    chosen: list[InPool] = []
    while left and len(chosen) < count:
        nearest = min(left, key=lambda one: [taken[key] / sizes[key] for key in strata(one)])
        left.remove(nearest)
        taken.update(strata(nearest))
        chosen.append(nearest)
    chance.shuffle(chosen)
    return tuple(Drawn(one.version_id, mixed(one.kind, one.size, chance)) for one in chosen)


def strata(one: InPool) -> tuple[tuple[str, ...], ...]:
    """The groups a question counts in, the most important first."""
    module = str(one.module_id)
    return ("module", module), ("topic", module, one.topic), ("level", one.level)


def mixed(kind: str, size: int, chance: random.Random) -> tuple[int, ...]:
    """Positions in random order. What is to be put in order or matched is never shown solved already."""
    order = list(range(size))
    solved = tuple(order)
    chance.shuffle(order)
    while kind in (ORDER, MATCH) and size > 1 and tuple(order) == solved:
        chance.shuffle(order)
    return tuple(order)
