"""Records that are one person: suggested with a reason, linked so that they count once, unlinked without a trace."""

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lms import clock
from lms.accounts.actions import CountsNoMore, move_person
from lms.accounts.gathering import PeopleByUnit
from lms.accounts.models import Membership, MembershipTransfer, Person, PersonLink, SignInAccount
from lms.accounts.queries import people_found
from lms.audit.models import AuditEntry
from lms.duplicates.actions import CannotLink, link_people, tell_apart, undo
from lms.duplicates.queries import suggestions
from lms.duplicates.rules import BORN, CODE, UNIT
from lms.organisation.actions import merge_units
from lms.organisation.models import Unit
from lms.roster.actions import plan_of
from lms.roster.models import DateOfBirth, StaffCode
from lms.roster.rules import Line, Settings, Sheet
from tests.make import LONG_AGO, Make

DAY = timedelta(days=1)


def rows(session: Session, person: Person) -> list[tuple[object, ...]]:
    """The memberships of a person, as far as they say something."""
    columns = Membership.unit_id, Membership.tree, Membership.kind, Membership.valid_from, Membership.valid_to
    query = select(*columns, Membership.link_id).where(Membership.person_id == person.id)
    return sorted((tuple(row) for row in session.execute(query)), key=str)


def headcount(session: Session, on: date) -> int:
    return sum(PeopleByUnit().by_unit(session, on=on, tree="state").values())


def linked(session: Session, duplicate: Person, person: Person) -> PersonLink:
    both = (session.get_one(Person, one.id) for one in (duplicate, person))
    return link_people(session, *both, by=person.public_id)


def unlinked(session: Session, link: PersonLink) -> None:
    one, other = (session.get_one(Person, own) for own in (link.duplicate_id, link.person_id))
    undo(session, session.get_one(PersonLink, link.id), one, other, by=other.public_id)


def test_linked_records_count_once_from_that_day_and_unlinked_ones_as_if_nothing_had_been(make: Make) -> None:
    here, there = make.unit("Sở Y tế"), make.unit("Sở Nội vụ")
    kept, duplicate = make.person("Lý A Hoa", unit=here), make.person("Lý A Hoà", unit=there)
    today = clock.today()
    with make.writing() as session:
        move_person(session, session.get_one(Person, duplicate.id), session.get_one(Unit, here.id), on=today + 9 * DAY)
        before = rows(session, duplicate)
        link = linked(session, duplicate, kept)
    with make.reading() as session:
        assert [headcount(session, today + days * DAY) for days in (-1, 0, 9, 20)] == [2, 1, 1, 1]
        assert session.get_one(SignInAccount, duplicate.id).disabled_at is not None
        found = session.execute(people_found("ly a hoa", on=today)).all()
        assert [person.id for person, _account, _unit in found] == [kept.id]
        noted = select(func.count()).where(AuditEntry.action == "person.link")
        assert session.scalar(noted) == 2
    with pytest.raises(CountsNoMore), make.writing() as session:
        move_person(session, session.get_one(Person, duplicate.id), session.get_one(Unit, here.id), on=today + DAY)
    with time_machine.travel(clock.now() + 3 * DAY), make.writing() as session:
        unlinked(session, link)
        assert rows(session, duplicate) == before
    with make.reading() as session:
        assert session.get_one(SignInAccount, duplicate.id).disabled_at is None
        assert [headcount(session, today + days * DAY) for days in (-1, 0, 9, 20)] == [2, 2, 2, 2]


def test_an_account_that_was_closed_before_stays_closed(make: Make) -> None:
    kept, duplicate = make.person("Lý A Hoa"), make.person("Lý A Hoa")
    with make.writing() as session:
        session.get_one(SignInAccount, duplicate.id).disabled_at = clock.now()
        unlinked(session, linked(session, duplicate, kept))
        assert session.get_one(SignInAccount, duplicate.id).disabled_at is not None


def test_what_was_set_aside_follows_its_unit_and_comes_back_where_that_went(make: Make) -> None:
    here, there = make.unit("Phòng Một"), make.unit("Phòng Hai")
    kept, duplicate = make.person("Lý A Hoa", unit=there), make.person("Lý A Hoa", unit=here)
    today = clock.today()
    with make.writing() as session:
        link = linked(session, duplicate, kept)
        one, other = (session.get_one(Unit, unit.id) for unit in (here, there))
        merge_units(session, [one], other, on=today + DAY)
        unlinked(session, link)
        assert session.scalars(select(MembershipTransfer.id)).all() != []
        ends = [(row[0], row[2], row[3], row[4]) for row in rows(session, duplicate)]
    assert sorted(ends, key=lambda row: str(row[2])) == [
        (here.id, "main", LONG_AGO, today),
        (here.id, "main", today, today + DAY),
        (there.id, "main", today + DAY, None),
    ]


def test_a_record_that_counts_by_another_or_for_another_is_not_linked_again(make: Make) -> None:
    a, b, c = (make.person("Lý A Hoa") for _ in range(3))
    with make.writing() as session:
        linked(session, b, a)
    for duplicate, person, reason in ((b, c, "linked"), (c, b, "linked"), (a, c, "stands for others")):
        with pytest.raises(CannotLink, match=reason), make.writing() as session:
            linked(session, duplicate, person)
    with make.writing() as session:
        linked(session, c, a)  # a third record of the same person


def test_pairs_are_suggested_for_three_reasons_and_no_more_once_decided(make: Make) -> None:
    one_unit, other_unit = make.unit("Sở Y tế"), make.unit("Sở Nội vụ")
    hoa, hoa_there = make.person("Lý A Hoa", unit=one_unit), make.person("Lý A Hoà", unit=other_unit)
    binh, binh_here = make.person("Ma Thị Bình", unit=one_unit), make.person("Ma Thị Bình", unit=one_unit)
    pao, pao_there = make.person("Sùng A Páo", unit=one_unit), make.person("Sùng A Páo", unit=other_unit)
    make.person("Lý A Hoa", unit=make.unit("Sở Xa"))  # a namesake, and nothing else
    with make.writing() as session:
        session.add_all([DateOfBirth(person_id=one.id, year=1980, day=date(1980, 2, 3)) for one in (hoa, hoa_there)])
        session.add_all(
            [
                StaffCode(person_id=one.id, unit_id=unit.id, code="007", code_key="007", valid_from=LONG_AGO)
                for one, unit in ((pao, one_unit), (pao_there, other_unit), (binh, make.unit("Sở Khác")))
            ]
        )
        found = suggestions(session, on=clock.today(), reach=None)
        told = [({pair.one.id, pair.other.id}, pair.reasons) for pair in found]
        assert told == [
            ({pao.id, pao_there.id}, (CODE,)),
            ({hoa.id, hoa_there.id}, (BORN,)),
            ({binh.id, binh_here.id}, (UNIT,)),
        ]
        people = [session.get_one(Person, one.id) for one in (hoa, hoa_there)]
        apart = tell_apart(session, *people, by=hoa.public_id)
        linked(session, pao_there, pao)
        assert [pair.reasons for pair in suggestions(session, on=clock.today(), reach=None)] == [(UNIT,)]
        undo(session, apart, *people, by=hoa.public_id)
        assert [pair.reasons for pair in suggestions(session, on=clock.today(), reach=None)] == [(BORN,), (UNIT,)]


def test_namesakes_of_a_unit_are_not_suggested_when_birth_and_staff_code_both_differ(make: Make) -> None:
    unit, other = make.unit("Sở Y tế"), make.unit("Sở Nội vụ")
    day, same_year = date(1980, 2, 3), date(1980, 3, 2)
    cases: dict[str, tuple[tuple[int, date | None, str], tuple[int, date | None, str], bool]] = {
        "Ma Thị Bình": ((1980, day, "001"), (1981, date(1981, 2, 3), "002"), False),
        "Lý A Hoa": ((1980, day, "003"), (1980, same_year, "004"), False),
        "Hầu A Lử": ((1980, day, "005"), (1975, None, "006"), False),
        "Sùng A Páo": ((1980, day, "007"), (1980, same_year, ""), True),  # one has no code
        "Vàng A Dế": ((1980, day, "008"), (1980, same_year, "8"), True),  # a spreadsheet took the noughts away
        "Giàng A Sử": ((1980, day, "010"), (1980, None, "011"), True),  # the year is all that is known of one
        "Nông Văn Tý": ((0, None, "012"), (1980, day, "013"), True),  # nothing is known of one birth
    }
    pairs = {name: [make.person(name, unit=unit) for _ in range(2)] for name in cases}
    with make.writing() as session:
        for name, (*both, _suggested) in cases.items():
            for person, (year, born, code) in zip(pairs[name], both, strict=True):
                if year:
                    session.add(DateOfBirth(person_id=person.id, year=year, day=born))
                if code:
                    of = other if code == "004" else unit  # whoever gave the code
                    given = {"unit_id": of.id, "code": code, "code_key": code, "valid_from": LONG_AGO}
                    session.add(StaffCode(person_id=person.id, **given))
    with make.reading() as session:
        found = suggestions(session, on=clock.today(), reach=None)
        assert {pair.one.full_name for pair in found} == {name for name, case in cases.items() if case[2]}
        assert {pair.reasons for pair in found} == {(UNIT,)}
    with make.writing() as session:  # a code of before, which somebody bears no more, tells nobody apart
        for person in pairs["Ma Thị Bình"]:
            session.scalars(select(StaffCode).filter_by(person_id=person.id)).one().valid_to = clock.today()
        named = [pair.one.full_name for pair in suggestions(session, on=clock.today(), reach=None)]
        assert "Ma Thị Bình" in named


def test_a_pair_is_linked_on_its_page_and_unlinked_from_the_page_of_the_person(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    kept, duplicate = make.person("Lý A Hoa", unit=unit), make.person("Lý A Hoà", unit=unit)
    browser = make.browser(make.person("Giữ Sở", unit=unit, role="unit_administrator", over=unit))
    browser.get("/people/duplicates")
    assert "cùng họ tên (không kể dấu) trong cùng một đơn vị" in browser.text
    browser.get(f"/people/duplicates/{duplicate.public_id}/{kept.public_id}")
    browser.submit("/people/duplicates/")
    assert "Chọn hồ sơ được giữ." in browser.text
    browser.submit("/people/duplicates/", keep=str(kept.public_id))
    assert "Hồ sơ trùng, không tính" in browser.text
    browser.get(f"/people/{duplicate.public_id}")
    assert "Hồ sơ này đã được ghép vào hồ sơ khác" in browser.text
    with make.reading() as session:
        link = session.scalars(select(PersonLink.public_id)).one()
    browser.get(f"/people/duplicates/links/{link}/undo")
    browser.submit("/undo")
    browser.get("/people")
    assert browser.text.count("Lý A Ho") == 2


def test_any_two_records_one_keeps_can_be_linked_when_the_other_is_looked_for_by_name(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    kept = make.person("Lý A Hoa", unit=unit)
    duplicate = make.person("Lý Thị Hoà", unit=unit)  # nothing suggests it
    make.person("Lý Thị Hoà Bí Mật", unit=make.unit("Sở Nội vụ"))
    browser = make.browser(make.person("Giữ Sở", unit=unit, role="unit_administrator", over=unit))
    path = f"/people/duplicates/{kept.public_id}/find"
    beside, itself = (f"/people/duplicates/{kept.public_id}/{one.public_id}" for one in (duplicate, kept))
    browser.get(f"/people/{kept.public_id}")
    assert path in browser.text
    browser.get(path)
    browser.submit(path, q="ly thi")
    assert "Bí Mật" not in browser.text
    assert beside in browser.text
    browser.submit(path, q="hoa")
    assert itself not in browser.text
    browser.get(beside)
    browser.submit("/people/duplicates/", keep=str(kept.public_id))
    assert "Hồ sơ trùng, không tính" in browser.text


def test_whoever_keeps_a_unit_decides_nothing_about_records_outside_it(make: Make) -> None:
    unit, outside = make.unit("Sở Y tế"), make.unit("Sở Bí Mật")
    mine, canary = make.person("Lý A Hoa", unit=unit), make.person("Lý A Hoà", unit=outside, username="chimyen")
    with make.writing() as session:
        session.add_all([DateOfBirth(person_id=one.id, year=1980, day=date(1980, 2, 3)) for one in (mine, canary)])
    browser = make.browser(make.person("Giữ Sở", unit=unit, role="unit_administrator", over=unit))
    browser.get("/people/duplicates")
    assert "chimyen" not in browser.text
    assert browser.get(f"/people/duplicates/{mine.public_id}/{canary.public_id}").status_code == 404
    with make.writing() as session:
        link = linked(session, canary, mine)
    assert browser.get(f"/people/duplicates/links/{link.public_id}/undo").status_code == 404


def test_a_list_that_means_a_duplicate_means_the_record_that_counts(make: Make) -> None:
    unit = make.unit("Sở Y tế")
    kept, duplicate = make.person("Lý A Hoa", unit=unit), make.person("Lý A Hoà", unit=unit)
    with make.writing() as session:
        session.add(StaffCode(person_id=duplicate.id, unit_id=unit.id, code="007", code_key="007", valid_from=LONG_AGO))
        linked(session, duplicate, kept)
        lines = (
            Line(1, ("Số hiệu", "Họ và tên", "Chức vụ"), "ttt"),
            Line(2, ("007", "Lý A Hoa", "Phó Giám đốc"), "ttt"),
        )
        settings = Settings(0, 0, ("code", "full_name", "position"), clock.today())
        [outcome] = plan_of(session, session.get_one(Unit, unit.id), Sheet("a", lines), settings, within=None).outcomes
        assert outcome.person is not None
        assert outcome.person.person_id == kept.id
