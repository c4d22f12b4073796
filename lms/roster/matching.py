"""What a column is about, which unit a text means, and who of the people known a line is. Pure."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from heapq import nsmallest
from operator import itemgetter

from rapidfuzz import fuzz, process

from lms.roster.rules import LONGEST_READ, Birth, Line, Settings, Sheet, agree, bare_code, born_apart, code_key
from lms.roster.vocabulary import (
    BELOW_BORN,
    BORN,
    FAMILY,
    FIRST_WORD_ONLY,
    FULL_NAME,
    GIVEN,
    ORDER,
    SHORT_FORMS,
    SYNONYMS,
)
from lms.text import fold, nfc

HEAD_WITHIN = 60
"""The head of the list is looked for in so many lines."""

FIELD_OF = {synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms}
LONG_SYNONYMS = sorted((one for one in FIELD_OF if " " in one), key=len, reverse=True)
COUNTING = re.compile(r"\(?(?:\d{1,2}|[A-Za-z]{1,2})\)?")
SIGNS = re.compile(r"[^0-9a-z]+")


@dataclass(frozen=True, slots=True)
class Head:
    """Where the list begins: the place of its head among the lines, the labels, and what each column is about."""

    place: int
    labels: tuple[str, ...]
    fields: tuple[str, ...]
    body: int

    @property
    def names_people(self) -> bool:
        """Whether there is a column with names."""
        return FULL_NAME in self.fields or GIVEN in self.fields


def plain(text: str) -> str:
    """A label or name without marks, signs and case."""
    return SIGNS.sub(" ", fold(text[:LONGEST_READ])).strip()


def field_of(label: str) -> str:
    """What a column with this label is about; "" when nothing says so."""
    words = plain(label)
    if not words:
        return ""
    if words in FIELD_OF:
        return FIELD_OF[words]
    for synonym in LONG_SYNONYMS:
        if words.startswith(f"{synonym} "):
            return FIELD_OF[synonym]
    close = process.extractOne(words, LONG_SYNONYMS, scorer=fuzz.ratio, score_cutoff=88)
    return FIELD_OF[close[0]] if close else ""


def head_at(lines: Sequence[Line], place: int, remembered: Mapping[str, str]) -> Head:
    """The head, taken to stand on that line; what an administrator once said of a label goes before what is guessed.

    A second line below it may divide columns (men and women below the date of birth), a third may count them.
    """
    labels = [nfc(cell) for cell in lines[place].cells]
    fields = [remembered.get(plain(label), field_of(label)) for label in labels]
    body = place + 1
    if body < len(lines) and is_second(lines[body], labels, fields):
        second = lines[body]
        width = max(len(labels), len(second.cells))
        labels += [""] * (width - len(labels))
        fields += [""] * (width - len(fields))
        over = ""
        for column in range(width):
            over = labels[column] or over
            below = nfc(second.cell(column))
            if below and below != labels[column]:
                said = BORN if plain(below) in BELOW_BORN else field_of(below)
                labels[column] = f"{over} – {below}"
                fields[column] = remembered.get(plain(labels[column]), said or fields[column])
        body += 1
    while body < len(lines) and counts_columns(lines[body]):
        body += 1
    return Head(place, tuple(labels), tuple(once_only(fields)), body)


def is_second(line: Line, labels: Sequence[str], fields: Sequence[str]) -> bool:
    """Whether the line divides columns of the head above it: it says nothing that is no label, and nothing below one
    that is whole. Cells that are joined downwards say the same again.
    """
    if len([one for one in fields if one]) < 2:
        return False
    own = 0
    for column, cell in enumerate(line.cells):
        above = labels[column] if column < len(labels) else ""
        if not cell or nfc(cell) == above:
            continue
        divided = not above or (column + 1 < len(line.cells) and column + 1 < len(labels) and not labels[column + 1])
        if not divided or not (plain(cell) in BELOW_BORN or field_of(cell)):
            return False
        own += 1
    return own > 0


def counts_columns(line: Line) -> bool:
    """Whether the line under a head only counts its columns: (1) (2) (3), or A B 1 2."""
    filled = [cell for cell in line.cells if cell]
    return len(filled) >= 2 and all(COUNTING.fullmatch(cell) for cell in filled)


def once_only(fields: Sequence[str]) -> list[str]:
    """The fields, each at most once but for those that may be put together of several columns."""
    seen: set[str] = set()
    result = []
    for one in fields:
        again = one in seen and one not in {FAMILY, BORN}
        result.append("" if again else one)
        seen.add(one)
    return result


def found_head(sheet: Sheet, remembered: Mapping[str, str]) -> Head | None:
    """The head of the list in a sheet: of its first lines the one that names most columns, a name among them."""
    best: Head | None = None
    most = 0
    for place in range(min(HEAD_WITHIN, len(sheet.lines))):
        filled = [cell for cell in sheet.lines[place].cells if cell]
        if len(filled) > 1 and len({plain(cell) for cell in filled}) == 1:
            continue  # a title over many cells
        head = head_at(sheet.lines, place, remembered)
        known = len({one for one in head.fields if one} - {ORDER})
        if head.names_people and known > most and (known > 1 or len(filled) <= 2 or ORDER in head.fields):
            best, most = head, known
    return best


def head_of(sheet: Sheet, settings: Settings) -> Head | None:
    """The head of the sheet on the line that was chosen, with the fields that were; None while none is."""
    if not 0 <= settings.place < len(sheet.lines):
        return None
    return replace(head_at(sheet.lines, settings.place, {}), fields=settings.fields)


@dataclass(frozen=True, slots=True)
class Place:
    """A unit that may be meant: its names, the unit above it, its days, and who takes over at its end ("": nobody)."""

    unit_id: int
    public_id: str
    code: str
    name: str
    short_name: str
    parent_id: int | None
    valid_from: date
    valid_to: date | None = None
    heir: str = ""


@dataclass(frozen=True, slots=True)
class Meant:
    """Which unit a text means, or which it may mean where that is not sure."""

    place: Place | None
    perhaps: tuple[Place, ...] = ()


SUGGESTIONS = 5
FAINTEST = 55


def long_form(text: str) -> str:
    """A name of a unit without marks and signs, with what is usually shortened written out."""
    words = plain(text.replace("&", " và ")).split()
    whole = [
        SHORT_FORMS[word] if word in SHORT_FORMS and (place == 0 or word not in FIRST_WORD_ONLY) else word
        for place, word in enumerate(words)
    ]
    return " ".join(whole)


def initials(text: str) -> tuple[str, str]:
    """The first word of a name and the initials of the others, and all initials: Sở TT&TT is (so, tttt) of both."""
    words = [word for word in plain(text.replace("&", " ")).split() if word != "va"]
    head, rest = words[0] if words else "", words[1:]
    return f"{head} {''.join(word[0] for word in rest)}", "".join(word[0] for word in words)


def shortened(text: str) -> str:
    """A text as it stands when it is short for a name: its first word, and the rest in one piece."""
    words = plain(text.replace("&", " ")).split()
    return f"{words[0]} {''.join(words[1:])}" if len(words) > 1 else "".join(words)


def in_order(spelt: str) -> str:
    """The same words in the order of the alphabet, by which names are compared."""
    return " ".join(sorted(spelt.split()))


class Places:
    """The units that a list may name. A text means a unit only when one alone fits best; texts are compared once."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = tuple(places)
        self.by_id = {place.unit_id: place for place in self.places}
        self.by_public_id = {place.public_id: place for place in self.places}
        self._below: dict[int, list[Place]] = {}
        self._alike: dict[tuple[int | None, str], tuple[Place, ...]] = {}
        self._bearers: dict[int | None, dict[str, list[tuple[int, Place]]]] = {}
        self._long = {place.unit_id: long_form(place.name) for place in self.places}
        self._known: tuple[dict[str, list[Place]], ...] = ({}, {}, {}, {})
        for place in self.places:
            if place.parent_id is not None:
                self._below.setdefault(place.parent_id, []).append(place)
            for table, keys in zip(self._known, self._keys(place), strict=True):
                for key in keys:
                    table.setdefault(key, []).append(place)

    def _keys(self, place: Place) -> tuple[set[str], ...]:
        """By what a unit is known: its code, its names, its names without marks, its short forms."""
        names = {nfc(place.name).casefold(), nfc(place.short_name).casefold()}
        return (
            {place.code.lower()},
            names,
            {self._long[place.unit_id], long_form(place.short_name)},
            {*initials(place.name)},
        )

    def below(self, place: Place) -> tuple[Place, ...]:
        """The units below one, however deep."""
        found: list[Place] = []
        waiting = [place]
        while waiting:
            for child in self._below.get(waiting.pop().unit_id, ()):
                found.append(child)
                waiting.append(child)
        return tuple(found)

    def by_code(self, code: str) -> Place | None:
        """The unit with that code, whatever its case."""
        return next(iter(self._known[0].get(code.strip().lower(), ())), None)

    def meant(self, text: str, within: Place | None = None) -> Meant:
        """Which unit (below one) the text means: by code, name, name without marks, short form; else what is alike."""
        allowed = self.by_id.keys() if within is None else {place.unit_id for place in self.below(within)}
        written, spelt = nfc(text), long_form(text)
        for table, key in zip(self._known, (written.lower(), written.casefold(), spelt, shortened(text)), strict=True):
            found = tuple(place for place in table.get(key, ()) if place.unit_id in allowed)
            if found:
                return Meant(found[0]) if len(found) == 1 else Meant(None, found[:SUGGESTIONS])
        asked = (within.unit_id if within is not None else None, in_order(spelt))
        if asked not in self._alike:
            self._alike[asked] = self._closest(*asked)
        return Meant(None, self._alike[asked])

    def _closest(self, base: int | None, words: str) -> tuple[Place, ...]:
        """The units (below one) with the names most like these words, the order of words aside; the best come first."""
        if base not in self._bearers:
            among = self.places if base is None else self.below(self.by_id[base])
            bearers = self._bearers[base] = {}
            for turn, place in enumerate(among):
                bearers.setdefault(in_order(self._long[place.unit_id]), []).append((turn, place))
        names = self._bearers[base]
        alike = process.extract(words, names.keys(), scorer=fuzz.ratio, limit=SUGGESTIONS, score_cutoff=FAINTEST)
        ranked = [(-score, turn, place) for name, score, _nr in alike for turn, place in names[name]]
        return tuple(place for _score, _turn, place in nsmallest(SUGGESTIONS, ranked, key=itemgetter(0, 1)))


@dataclass(frozen=True, slots=True)
class Record:
    """What one line says of a person. Empty: the list does not say; it never takes anything away."""

    line: int
    full_name: str
    code: str = ""
    email: str = ""
    born: Birth | None = None
    position: str = ""
    category: str = ""
    party: str = ""
    unit_id: int | None = None
    branch_id: int | None = None
    key: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", fold(self.full_name))  # by which a name is looked for


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody who is here, as far as a list can say something of people."""

    person_id: int
    public_id: str
    full_name: str
    email: str = ""
    born: Birth | None = None
    position: str = ""
    category: str = ""
    party: str = ""
    unit_id: int | None = None
    unit_since: date | None = None
    branch_id: int | None = None
    branch_since: date | None = None
    codes: tuple[str, ...] = ()
    own_code: str = ""
    key: str = field(default="", compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", fold(self.full_name))  # by which a name is looked for


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody as a list that goes out tells of them."""

    person: Known
    unit: str
    unit_code: str
    unit_public_id: str
    branch: str
    username: str


class Crowd:
    """The people who may be meant by the lines of a list, by what they are found by."""

    def __init__(self, people: Iterable[Known]) -> None:
        self.by_code: dict[str, list[Known]] = {}
        self.by_bare_code: dict[str, list[Known]] = {}
        self.by_email: dict[str, list[Known]] = {}
        self.by_name: dict[str, list[Known]] = {}
        self.by_public_id: dict[str, Known] = {}
        for one in people:
            self.by_public_id[one.public_id] = one
            self.by_name.setdefault(one.key, []).append(one)
            if one.email:
                self.by_email.setdefault(one.email.lower(), []).append(one)
            for key in {code_key(code) for code in one.codes}:
                self.by_code.setdefault(key, []).append(one)
            for key in {bare_code(code) for code in one.codes}:
                self.by_bare_code.setdefault(key, []).append(one)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a line is: this person, somebody new (neither), or perhaps one of those, and then why it is not sure."""

    person: Known | None = None
    perhaps: tuple[Known, ...] = ()
    why: str = ""


def identity(record: Record, known: Crowd, *, near: Container[int | None] = ()) -> Identity:
    """Who the line is: by staff code, else by e-mail, else by name, birth and unit together. Never by half of that.

    `near` are the units of the list: a namesake there who may be meant is asked about.
    """
    coded = known.by_code.get(code_key(record.code), []) if record.code else []
    mailed = known.by_email.get(record.email.lower(), []) if record.email else []
    if len(coded) > 1 or len(mailed) > 1:
        return Identity(None, tuple({one.person_id: one for one in [*coded, *mailed]}.values()), "several")
    if coded and mailed and coded[0].person_id != mailed[0].person_id:
        return Identity(None, (coded[0], mailed[0]), "code_or_email")
    if coded or mailed:
        one = (coded or mailed)[0]
        if one.key == record.key or (record.born is not None and record.born.fits(one.born)):
            return Identity(one)
        return Identity(None, (one,), "other_name" if coded else "other_name_email")
    return by_name(record, known, near=near)


def by_name(record: Record, known: Crowd, *, near: Container[int | None]) -> Identity:
    """Who of the same name the line is: alone here and known to be born the same day. Anything less is asked."""
    bare = known.by_bare_code.get(bare_code(record.code), []) if record.code else []
    if shortened_code := [one for one in bare if one.key == record.key]:
        return Identity(None, tuple(shortened_code), "bare_code")
    same = [one for one in known.by_name.get(record.key, []) if not born_apart(record.born, one.born)]
    here = [one for one in same if one.unit_id == record.unit_id]
    if len(here) > 1:
        return Identity(None, tuple(here), "several")
    if here and record.code and here[0].own_code:
        return Identity(None, tuple(here), "other_code")
    if here:
        return Identity(here[0]) if agree(record.born, here[0].born) else Identity(None, tuple(here), "no_birth")
    away = [one for one in same if record.born is not None and record.born.fits(one.born)]
    if away:
        return Identity(None, tuple(away), "elsewhere")
    beside = [one for one in same if one.unit_id in near and not (record.code and one.own_code)]
    return Identity(None, tuple(beside), "namesake") if beside else Identity()
