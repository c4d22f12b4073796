"""By what figures are filtered: a day that is over, the structure of a day, a tree, a staff category."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import validators

from analytics.facts.projection import Structure
from lms import clock
from lms.accounts.forms import CATEGORIES
from lms.organisation.forms import TREE_WORDS, AsOf, as_of
from lms.organisation.models import STATE_TREE
from lms.web.forms import ChoiceField, DayField, MustBe, PageForm, choices
from lms.web.wording import day as worded


class FilterForm(PageForm):
    """Which figures of a unit: until the end of which day, and of which staff category."""

    until = DayField(
        _l("Số liệu đến hết ngày"),
        [
            validators.Optional(),
            MustBe(
                lambda day: day is None or day <= clock.today(),
                _l("Số liệu chỉ có đến hôm nay. Chọn ngày hôm nay hoặc trước đó."),
            ),
        ],
    )
    category = ChoiceField(_l("Loại cán bộ"), choices=choices({"": _l("Tất cả"), **CATEGORIES}), default="")


@dataclass(frozen=True, slots=True)
class Asked(AsOf):
    """What the figures of a page are asked of: a structure, a day that is over (None: now), a staff category ("": all).

    Without a day of its own the structure is that of the day of the figures.
    """

    until: date | None
    category: str
    filter: FilterForm

    @property
    def moment(self) -> datetime | None:
        """The last moment of the day of the figures."""
        return clock.start_of_day(self.until + timedelta(days=1)) - timedelta.resolution if self.until else None

    @property
    def structure(self) -> Structure:
        """By what figures are asked for; who of those it counts may be looked at is not settled by it."""
        return Structure(self.on, self.tree, self.chosen, category=self.category, until=self.moment)

    @property
    def filtered(self) -> bool:
        """Whether these are not simply the figures of now, of everybody, by today's state tree."""
        return self.chosen or self.narrowed

    @property
    def narrowed(self) -> bool:
        """Whether it is a day that is over or one staff category: what is told of all of them now cannot say it."""
        return self.until is not None or bool(self.category)

    @property
    def errors(self) -> bool:
        """Whether something that was asked for makes no sense."""
        return bool(self.form.errors or self.filter.errors)

    @property
    def address(self) -> dict[str, Any]:
        """What an address carries on to another page, which then speaks of the same figures."""
        own = {"until": self.until and self.until.isoformat(), "category": self.category}
        if self.until is not None:  # a structure that came with the day goes when another day is chosen
            own |= {"on": self.form.on.data and self.on.isoformat(), "tree": self.tree}
        elif self.chosen:
            own |= {"on": self.on.isoformat(), "tree": self.tree}
        return {name: value for name, value in own.items() if value}


def asked_of(address: MultiDict[str, str]) -> Asked:
    """What an address asks for; what is no category asks for all, and what is no day for now, with an error."""
    given = {name: address[name] for name in ("until", "category") if address.get(name)}
    if given.get("category") not in CATEGORIES:
        given.pop("category", None)
    form = FilterForm(MultiDict(given) or None, meta={"csrf": False})
    valid = not given or form.validate()
    until = form.until.data if valid and form.until.data != clock.today() else None
    own = bool(address.get("on"))
    if until is not None and not own:
        address = MultiDict({**address.to_dict(), "on": until.isoformat()})
    structure = as_of(address)
    structure.form.on.description = _("Để trống: cùng ngày với số liệu.")
    if not own:  # else the next day that is chosen would keep the structure of this one
        structure.form.on.data = structure.form.on.raw_data = None
    return Asked(structure.on, structure.tree, structure.chosen, structure.form, until, given.get("category", ""), form)


def filter_words(structure: Structure, *, to: date | None = None) -> list[str]:
    """What pages and files say of the filters their figures are under, a sentence each; nothing without any.

    `to`: results end with that day, for the page is about a month.
    """
    said = []
    if structure.until is not None:
        said.append(_("Số liệu đến hết ngày %(day)s, của những người nay phải học.", day=worded(structure.until)))
    if structure.tree != STATE_TREE:
        said.append(f"{TREE_WORDS[structure.tree]}.")
    if structure.then and structure.until is None and to is not None:
        words = _("Cơ cấu tổ chức ngày %(day)s; kết quả đến ngày %(to)s.", day=worded(structure.on), to=worded(to))
        said.append(words)
    elif structure.then and structure.until is None:
        said.append(_("Cơ cấu tổ chức ngày %(day)s; kết quả học tập tính đến nay.", day=worded(structure.on)))
    elif structure.until is not None:
        said.append(_("Cơ cấu tổ chức ngày %(day)s.", day=worded(structure.on)))
    if structure.category:
        said.append(_("Chỉ tính: %(category)s.", category=CATEGORIES[structure.category]))
    if structure.people is not None:
        said.append(_("Chỉ tính người nay thuộc phạm vi được xem."))
    return said


def file_marks(structure: Structure) -> str:
    """The same for the name of a file."""
    marks = [f"_den-het-{clock.day_of(structure.until):%Y-%m-%d}"] if structure.until is not None else []
    marks += [f"_co-cau-{structure.on:%Y-%m-%d}"] if structure.then else []
    marks += [f"_{structure.tree}"] if structure.tree != STATE_TREE else []
    marks += [f"_{structure.category.replace('_', '-')}"] if structure.category else []
    return "".join(marks)
