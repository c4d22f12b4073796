"""`lms demo`: the sample organisation and its fictional people, the same every time."""

import tomllib
from collections import Counter

import pytest
from sqlalchemy import func, select

from lms import clock
from lms.accounts.actions import PeopleMoved, grant_role, password_fits
from lms.accounts.demo import DEMO_PASSWORD, SAMPLE, load_fictional_people, sign_ins
from lms.accounts.loader import common_passwords
from lms.accounts.models import Membership, Person, RoleGrant, SignInAccount
from lms.accounts.queries import main_unit
from lms.accounts.rules import password_fault
from lms.config import PasswordPolicy
from lms.organisation.demo import SAMPLE as UNITS
from lms.organisation.demo import load_sample_units
from lms.organisation.models import Unit
from lms.organisation.queries import subtree
from tests.make import Make

REAL = ["Chẩu Văn Lâm", "Lê Thị Kim Dung", "Nguyễn Văn Sơn", "Hoàng Việt Phương", "Trương Gia Bình", "Mai Đức Thông"]


def load(make: Make, people: int = 600) -> list[str]:
    with make.writing() as session:
        return [*load_sample_units(session, people), *load_fictional_people(session, people)]


def names(make: Make) -> list[tuple[str, str, str]]:
    with make.reading() as session:
        query = select(Person.public_id, Person.full_name, SignInAccount.username).join(
            SignInAccount, SignInAccount.person_id == Person.id
        )
        return [(str(row.public_id), row.full_name, row.username) for row in session.execute(query.order_by(Person.id))]


def test_the_sample_organisation_is_that_of_the_article(make: Make) -> None:
    load(make)
    with make.reading() as session:
        units = {unit.code: unit for unit in session.scalars(select(Unit))}
        assert len(units) == 31
        assert {code for code, unit in units.items() if not unit.counted} == {
            "bcd-cds",
            "btv",
            "bch",
            "fpt",
            "bcs-ubnd",
        }
        assert "TQ-2022 L76" in units["h-ch"].note
        assert sum("Điểm cầu" in unit.note for unit in units.values()) == 21
        below = set(session.scalars(subtree(units["ubnd"].id, on=clock.today())))
        assert {units["s-yt"].id, units["x-lp"].id} <= below
        assert units["duk"].id not in below
        assert not session.scalars(subtree(units["tq"].id, on=units["tq"].valid_from.replace(year=2021))).all()


def test_what_came_after_the_article_is_kept_in_the_file_with_its_confidence_and_not_loaded() -> None:
    sample = tomllib.loads(UNITS.read_text(encoding="utf-8"))
    assert len(sample["unit"]) == 31
    assert all(entry["lines"] for entry in sample["unit"])
    assert all(entry["confidence"] in {"medium", "low", "memory"} for entry in sample["later"])
    assert all("successor_confidence" in entry for entry in sample["unit"] if entry.get("successors"))
    assert len(sample["communes_2025"]["names"]) == 124
    assert sum(name.startswith("Phường") for name in sample["communes_2025"]["names"]) == 7


def test_six_hundred_people_are_spread_over_the_units_by_their_kind(make: Make) -> None:
    load(make)
    bounds = {kind: one["size"] for kind, one in tomllib.loads(SAMPLE.read_text(encoding="utf-8"))["staff"].items()}
    with make.reading() as session:
        assert session.scalar(select(func.count(Person.id)).where(Person.fictional)) == 600
        counts = session.execute(
            select(Unit.kind, func.count()).join(Membership, Membership.unit_id == Unit.id).group_by(Unit.id)
        ).all()
        assert len(counts) == 25
        for kind, people in counts:
            assert bounds[kind][0] <= people <= bounds[kind][1]
        heads = session.execute(
            select(RoleGrant.unit_id, func.count()).where(RoleGrant.role == "head").group_by(RoleGrant.unit_id)
        )
        assert {number for _, number in heads} == {1}
        assert set(session.scalars(select(Person.party))) == {"chinh_thuc", "du_bi", "quan_chung"}
        assert len(set(session.scalars(select(Person.category)))) == 5
        head_of_province = session.scalars(
            select(Person).join(SignInAccount).where(SignInAccount.username == "thutruong")
        ).one()
        unit = session.scalars(main_unit(head_of_province.id, on=clock.today())).one()
        assert unit.code == "ubnd"


def test_names_are_those_of_the_province_and_no_officials(make: Make) -> None:
    load(make, 1000)
    found = [name for _, name, _ in names(make)]
    families = Counter(name.split()[0] for name in found)
    assert {"Ma", "Nông", "Bàn", "Lý", "Hoàng", "Triệu", "Quan", "Hứa", "Chẩu"} <= families.keys()
    assert any(" A " in name for name in found)
    assert not set(REAL) & set(found)
    with make.reading() as session:
        assert session.scalars(select(Person.email).where(Person.email.is_not(None))).all() == []


def test_the_same_people_come_every_time_and_a_second_run_does_nothing(make: Make) -> None:
    told: list[PeopleMoved] = []
    make.database.doors.listen(PeopleMoved, lambda _session, event: told.append(event))
    lines = load(make, 100)
    assert "Fictional people: 100 in 25 units." in lines
    assert [len(event.person_ids) for event in told] == [100]
    first = names(make)
    assert load(make, 100) == []
    assert names(make) == first
    assert first[0][1:] == ("Bùi Kim Hạnh", "hanhbk")


def test_four_people_may_be_tried_and_nobody_else(make: Make) -> None:
    lines = load(make, 60)
    assert lines[-5].endswith(DEMO_PASSWORD)
    assert [line.split()[0] for line in lines[-4:]] == ["giangvien", "thutruong", "quantri", "hocvien"]
    with make.reading() as session:
        accounts = session.scalars(select(SignInAccount).where(SignInAccount.password_hash.is_not(None))).all()
        assert len(accounts) == 4
        assert len({account.password_hash for account in accounts}) == 1
        assert password_fits(accounts[0], DEMO_PASSWORD)
        assert list(sign_ins(session)) == lines[-5:]
    with make.writing() as session:
        learner = session.scalars(select(SignInAccount).where(SignInAccount.username == "hocvien")).one()
        grant_role(session, session.get_one(Person, learner.person_id), "auditor", unit=None, since=clock.today())
        assert list(sign_ins(session)) == lines[-5:], "the product starts whatever role somebody was given since"
    assert (
        password_fault(
            DEMO_PASSWORD, username="hocvien", policy=PasswordPolicy(), second_factor=False, common=common_passwords()
        )
        is None
    )
    browser = make.browser()
    browser.get("/sign-in")
    browser.submit("/sign-in", username="hocvien", password=DEMO_PASSWORD)
    browser.get("/profile")
    assert "Sở Y tế" in browser.text


def test_a_sample_is_never_mixed_into_an_organisation(make: Make) -> None:
    make.unit("Tỉnh thật", code="tq")
    assert load(make) == []
    with make.reading() as session:
        assert session.scalar(select(func.count(Unit.id))) == 1
        assert session.scalar(select(func.count(Person.id))) == 0


@pytest.mark.parametrize(("people", "loaded"), [(1, 28), (60, 60), (419, 419), (420, 420), (421, 421), (700, 700)])
def test_any_number_of_people_can_be_asked_for(make: Make, people: int, loaded: int) -> None:
    load(make, people)  # at the least a head for each of the 25 units, and the three others who may be tried
    with make.reading() as session:
        assert session.scalar(select(func.count(Person.id))) == loaded
