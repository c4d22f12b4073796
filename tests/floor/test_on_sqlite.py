"""What is left out on PostgreSQL is met there by others, and the list names tests that there are."""

from pathlib import Path

import pytest

from tests import on_sqlite
from tests.on_sqlite import Told, write_list

ROOT = Path(__file__).resolve().parents[2]


def test_the_list_names_tests_that_there_are_in_order() -> None:
    lines = on_sqlite.LIST.read_text("utf-8").splitlines()
    assert lines == sorted(set(lines))
    sources = {file: (ROOT / file).read_text("utf-8") for file in {line.partition("::")[0] for line in lines}}
    gone = [line for line in lines if f"def {line.partition('::')[2]}(" not in sources[line.partition("::")[0]]]
    assert gone == []


def test_what_is_sent_is_still_met_by_two_or_by_all_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_sqlite, "LIST", tmp_path / "list.txt")
    told = {
        "t::dear[postgresql]": Told(9.0, ["a", "b"], True),
        "t::second[postgresql]": Told(8.0, ["a"], True),
        "t::third[postgresql]": Told(7.0, ["a", "b"], True),
        "t::both[postgresql-1]": Told(1.0, ["b"], True),
        "t::both[postgresql-2]": Told(5.0, ["rare"], True),
        "t::said[postgresql]": Told(60.0, ["a", "b"], False),  # it says itself where it runs
        "t::last[postgresql]": Told(0.5, ["a"], True),
        "t::cheap[sqlite]": Told(70.0, ["rare", "a"], True),
    }
    write_list(told)
    assert (tmp_path / "list.txt").read_text("utf-8") == "t::dear\nt::second\nt::third\n"
