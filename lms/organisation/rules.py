"""The shape of a tree, made from rows. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class Branch(Generic[One]):
    """A unit, how deep it stands (0: at the top), and what stands below it."""

    unit: One
    depth: int
    children: tuple["Branch[One]", ...]

    def walk(self) -> Iterator["Branch[One]"]:
        """This branch and all below it, each parent before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


def branches(rows: Iterable[tuple[One, int, int | None]]) -> list[Branch[One]]:
    """The trees made of units with their own ids and those of their parents; siblings keep the order of the rows.

    A unit whose parent is not among the rows stands at the top.
    """
    rows = list(rows)
    known = {own for _, own, _ in rows}
    below: dict[int | None, list[tuple[One, int]]] = {}
    for unit, own, parent in rows:
        below.setdefault(parent if parent in known else None, []).append((unit, own))

    def grow(units: Sequence[tuple[One, int]], depth: int) -> list[Branch[One]]:
        return [Branch(unit, depth, tuple(grow(below.get(own, []), depth + 1))) for unit, own in units]

    return grow(below.get(None, []), 0)
