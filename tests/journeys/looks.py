"""A page as phones and desks show it, in light and in dark: what axe finds, and what is cut off.

A window is made wider or narrower through Chromium's debugger, which takes half of what Playwright's own way takes, and
as rarely as the widths allow: all that is asked at one width is asked before the next.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

from playwright.sync_api import Page

from tests.axe import COLORS, LAYOUT, debugger_of, evaluated, violations

Scheme = Literal["light", "dark"]
LOOKS: tuple[tuple[int, Scheme], ...] = ((360, "light"), (360, "dark"), (1280, "dark"), (1280, "light"))
SAME_LAYOUT = {LOOKS[1], LOOKS[3]}
"""At a width that has been looked at, other colors can only break what depends on colors."""
PHONE, DESK = LOOKS[0][0], LOOKS[-1][0]
WIDTHS = (320, PHONE, 640, 720, 960, DESK)
"""The narrowest phone, a common one, and office screens, enlarged and not: no page scrolls sideways. From narrow to
wide, since a chart is drawn anew only shortly after a window has become narrower."""
NARROW = WIDTHS[:2]
"""The widths at which a page is looked at that has been looked at from all sides with somebody else."""
HEIGHT = 900

LOOK = """wanted => {
    const states = ["role", "type", "disabled", "open", "checked", "aria-current", "aria-invalid", "aria-pressed"];
    const sort = one => one === null ? "" : [one.tagName, ...[...one.classList].sort(),
        ...states.filter(name => one.hasAttribute(name)).map(name => `${name}=${one.getAttribute(name)}`)].join(".");
    const sorts = () => [...new Set([...document.body.querySelectorAll("*")].filter(one => one.checkVisibility())
        .map(one => `${sort(one)} < ${sort(one.parentElement)}`))];
    const wide = () => [...document.querySelectorAll("main *")]
        .filter(one => one.getBoundingClientRect().right > innerWidth + 1).slice(0, 3)
        .map(one => one.outerHTML.slice(0, 80));
    const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
    return {
        width: innerWidth,
        title: document.title,
        headings: document.querySelectorAll("h1").length,
        twice: [...new Set(ids.filter((id, place) => ids.indexOf(id) < place))],
        wide: document.scrollingElement.scrollWidth > innerWidth ? wide() : null,
        sorts: wanted ? sorts() : [],
    };
}"""
"""What is seen of a page at one width. Of each visible element, what it is and in what it stands: tag, classes and
state of both."""


class Seen(NamedTuple):
    """What `LOOK` says; `twice`: ids that several elements have, `wide`: what is cut off, or None."""

    width: int
    title: str
    headings: int
    twice: list[str]
    wide: list[str] | None
    sorts: frozenset[str]


def seen_at(page: Page, width: int, *, sorts: bool = False) -> Seen:
    """What is seen at this width, at which the page stays."""
    size = {"width": width, "height": HEIGHT, "screenWidth": width, "screenHeight": HEIGHT}
    session = debugger_of(page)
    session.send("Emulation.setDeviceMetricsOverride", {**size, "deviceScaleFactor": 1, "mobile": False})
    told: dict[str, Any] = evaluated(session, f"({LOOK})({json.dumps(sorts)})")
    assert told["width"] == width, f"the window is {told['width']} px wide, not {width}"
    return Seen(**{**told, "sorts": frozenset(told["sorts"])})


_schemes: WeakKeyDictionary[Page, Scheme] = WeakKeyDictionary()
"""In which colors a page is shown now."""
_met: set[str] = set()
_met_on_desks: set[str] = set()
"""The sorts of elements that have been looked at in this process: in all looks, and of those a phone does not show."""


def faults(page: Page, looks: Sequence[tuple[int, Scheme]] = LOOKS) -> list[str]:
    """What is wrong with the page the browser shows, in each of these looks.

    In the first every page is asked everything; where it is the only one, where there is an element of a sort that was
    not looked at before. On a desk what depends on colors and widths is asked again, and
    everything where a desk shows an element of a sort that was not looked at before; in the other colors of a width
    what depends on colors, where there is an element of a sort that was not looked at before.
    """
    whole = tuple(looks) == LOOKS
    page.wait_for_load_state()  # the debugger does not wait for a page that is only coming
    at = {width: seen_at(page, width, sorts=width in dict(looks)) for width in (WIDTHS if whole else NARROW)}
    found = [*amiss(at.values())]
    met = frozenset[str]().union(*(seen.sorts for seen in at.values()))
    new = at[DESK].sorts - at[PHONE].sorts - _met_on_desks if whole else frozenset[str]()
    shown = WIDTHS[-1] if whole else PHONE
    for number, (width, scheme) in enumerate(looks):
        if met <= _met and ((width, scheme) in SAME_LAYOUT or not whole):
            continue
        if width != shown:
            seen_at(page, shown := width)
        if _schemes.get(page) != scheme:
            page.emulate_media(color_scheme=scheme)
            _schemes[page] = scheme
        rules = COLORS if (width, scheme) in SAME_LAYOUT else None if number == 0 or new else LAYOUT
        found += [f"{width} px, {scheme}: {line}" for line in violations(page, rules)]
    if whole:
        _met.update(met)
        _met_on_desks.update(new)
    return found


def amiss(at: Iterable[Seen]) -> Iterable[str]:
    """What no rule of axe says: one heading, a title, no id twice (axe leaves that to a person), nothing cut off."""
    first, *others = at
    if first.headings != 1:
        yield f"{first.headings} headings of level 1"
    if not first.title.removesuffix("– Quán triệt").strip():
        yield "no title"
    if first.twice:
        yield f"ids of several elements: {first.twice}"
    for seen in (first, *others):
        if seen.wide is not None:
            yield f"scrolls sideways at {seen.width} px: {seen.wide}"
