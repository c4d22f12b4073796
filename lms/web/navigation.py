"""The main menu and the first page: packages add to them through the doors, the base template draws them."""

from dataclasses import dataclass

from flask import Flask, g, request, url_for
from flask_babel import gettext

from lms.doors import Doors
from lms.web.acting import signed_in


@dataclass(frozen=True, slots=True)
class Shown:
    """A line of the menu as the template draws it."""

    label: str
    url: str
    current: bool


def init_app(app: Flask, doors: Doors) -> None:
    app.extensions["doors"] = doors
    app.context_processor(lambda: {"navigation": menu(doors)})


def menu(doors: Doors) -> list[Shown]:
    """The lines this person may use."""
    person = None if g.get("database_away") else signed_in()
    if person is None:
        return []
    here = (request.endpoint or "").split(".")[0]
    return [
        Shown(gettext(entry.label), url_for(entry.endpoint), entry.endpoint.split(".")[0] == here)
        for entry in sorted(doors.menu, key=lambda entry: entry.order)
        if person.may(entry.permission)
    ]


def home_endpoint(doors: Doors) -> str | None:
    """The first page of this person's highest role."""
    person = signed_in()
    homes = [home for home in doors.homes if person is not None and person.may(home.permission)]
    return max(homes, key=lambda home: home.rank).endpoint if homes else None
