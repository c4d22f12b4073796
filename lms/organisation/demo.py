"""The sample organisation of `lms demo`: units named in the source article, from sample.toml."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from lms.organisation.actions import create_unit
from lms.organisation.models import Unit

SAMPLE = Path(__file__).with_name("sample.toml")


def load_sample_units(session: Session, _people: int) -> Iterator[str]:
    """Load the units of the sample, unless there are units already: an organisation is never mixed with a sample."""
    if session.scalar(select(exists().select_from(Unit))):
        return
    sample = tomllib.loads(SAMPLE.read_text(encoding="utf-8"))
    made: dict[str, Unit] = {}
    for position, entry in enumerate(sample["unit"], 1):
        made[entry["code"]] = create_unit(
            session,
            code=entry["code"],
            name=entry["name"],
            short_name=entry.get("short_name", ""),
            kind=entry["kind"],
            parent=made[entry["parent"]] if "parent" in entry else None,
            since=sample["valid_from"],
            position=position,
            counted=entry.get("counted", True),
            note_text=remark(entry),
        )
    yield f"Sample organisation: {len(made)} units, from sample.toml."


def remark(entry: dict[str, Any]) -> str:
    """Where the article names the unit, and what must be known of it."""
    parts = [f"Nguồn: {', '.join(entry['lines'])}."]
    if entry.get("meeting_point"):
        parts.append("Điểm cầu được nêu tên trong bản tin.")
    return " ".join([*parts, *filter(None, [entry.get("note")])])
