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
    app.context_processor(lambda: {"navigation": menu(doors), "section": section(doors)})


def allowed(doors: Doors) -> list[MenuEntry]:
    """The entries this person may use, in order."""
    person = None if g.get("database_away") else signed_in()
    if person is None:
        return []
    return [entry for entry in sorted(doors.menu, key=lambda entry: entry.order) if person.may(entry.permission)]


def is_current(entry: MenuEntry) -> bool:
    """Whether this page belongs to the entry."""
    here = current_app.blueprints.get(request.blueprint or "")
    return isinstance(here, Feature) and here.within == entry.endpoint.split(".")[0]


def menu(doors: Doors) -> list[Shown]:
    """The lines of the main menu; a group has one, which leads to the first of its entries."""
    lines: dict[str, Shown] = {}
    for entry in allowed(doors):
        label = str(entry.group or entry.label)
        before = lines.get(label)
        url = before.url if before else url_for(entry.endpoint)
        lines[label] = Shown(label, url, is_current(entry) or (before is not None and before.current))
    return list(lines.values())


def section(doors: Doors) -> list[Shown]:
    """The entries of the group this page belongs to."""
    entries = allowed(doors)
    groups = {entry.group for entry in entries if entry.group and is_current(entry)}
    return [
        Shown(str(entry.label), url_for(entry.endpoint), is_current(entry))
        for entry in entries
        if entry.group in groups
    ]


def home_endpoint(doors: Doors) -> str | None:
    """The first page of this person's highest role."""
    person = signed_in()
    homes = [home for home in doors.homes if person is not None and person.may(home.permission)]
    return max(homes, key=lambda home: home.rank).endpoint if homes else None
