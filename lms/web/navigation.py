"""The main menu and the first page: packages add to them through the doors, the base template draws them."""

from dataclasses import dataclass

from flask import Flask, current_app, g, request, url_for

from lms.doors import Doors, MenuEntry
from lms.web.acting import signed_in
from lms.web.feature import Feature


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the menu as the template draws it."""

    label: str
    url: str
    current: bool


def init_app(app: Flask, doors: Doors) -> None:
    app.extensions["doors"] = doors
    app.context_processor(lambda: navigation(doors))


def allowed(doors: Doors) -> list[MenuEntry]:
    """The entries this person may use, in order."""
    person = None if g.get("database_away") else signed_in()
    if person is None:
        return []
    return [entry for entry in sorted(doors.menu, key=lambda entry: entry.order) if person.may(entry.permission)]


def current(entries: list[MenuEntry]) -> MenuEntry | None:
    """The entry this page belongs to: of its feature; of several the one whose address goes furthest."""
    here = current_app.blueprints.get(request.blueprint or "")
    if not isinstance(here, Feature):
        return None
    of_feature = [entry for entry in entries if here.within == entry.endpoint.partition(".")[0]]
    return max(of_feature, key=nearness, default=None) if len(of_feature) > 1 else next(iter(of_feature), None)


def nearness(entry: MenuEntry) -> int:
    """How much of the address of this page is that of the entry."""
    url = url_for(entry.endpoint)
    return len(url) if request.path.startswith(url) else 0


def navigation(doors: Doors) -> dict[str, list[Shown]]:
    """The lines of the main menu; a group has one, which leads to the first of its entries.

    With them the section: the entries of the group this page belongs to. Each text is asked once, each address built
    only where it is shown: this is on every page.
    """
    entries = allowed(doors)
    here = current(entries)
    lines, groups = dict[str, Shown](), dict[str, list[MenuEntry]]()
    for entry in entries:
        group = str(entry.group)
        label = group or str(entry.label)
        before = lines.get(label)
        url = before.url if before else url_for(entry.endpoint)
        lines[label] = Shown(label, url, entry is here or (before is not None and before.current))
        if group:
            groups.setdefault(group, []).append(entry)
    mates = groups.get(str(here.group), []) if here else []
    return {
        "navigation": list(lines.values()),
        "section": [Shown(str(entry.label), url_for(entry.endpoint), entry is here) for entry in mates],
    }


def home_endpoint(doors: Doors) -> str | None:
    """The first page of this person's highest role."""
    person = signed_in()
    homes = [home for home in doors.homes if person is not None and person.may(home.permission)]
    return max(homes, key=lambda home: home.rank).endpoint if homes else None
