"""The sentences said about meeting points and written reflections."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from courses.learning.rules import registration_of
from lms.xapi import vocabulary
from lms.xapi.statement import Activity, sentence

THERE = ("present", "late", "left_early")


@dataclass(frozen=True, slots=True)
class Told:
    """What all sentences about one briefing have in common: whose they are, and under which version of the policy."""

    home: str
    briefing: str
    title: str
    policy_number: int

    def registration(self, person: uuid.UUID) -> uuid.UUID:
        """The registration under which all statements of a person about the briefing stand: always the same."""
        return registration_of(person, vocabulary.briefing_iri(self.home, self.briefing))

    @property
    def activity(self) -> Activity:
        """The briefing as statements name it."""
        return Activity(vocabulary.briefing_iri(self.home, self.briefing), vocabulary.COURSE, self.title)


def was_seen(
    told: Told, person: uuid.UUID, *, session: str, point: str, name: str, state: str, at: datetime, host: uuid.UUID
) -> dict[str, Any]:
    """The host says of this person: was at the point, in time or not, or was away, with a reason or not."""
    sitting = Activity(vocabulary.session_iri(told.home, told.briefing, session), vocabulary.MEETING, name)
    return sentence(
        told.home,
        person,
        vocabulary.ATTENDED if state in THERE else vocabulary.ABSENT,
        Activity(vocabulary.point_iri(told.home, told.briefing, session, point), vocabulary.MEETING, name),
        at=at,
        registration=told.registration(person),
        revision=told.policy_number,
        within=(sitting, told.activity),
        result={"response": state},
        instructor=host,
    )


def reflection_activity(told: Told) -> Activity:
    """The written reflection of the briefing as statements name it."""
    return Activity(
        vocabulary.reflection_iri(told.home, told.briefing),
        vocabulary.REFLECTION,
        "Bài thu hoạch",
        "Written reflection",
    )


def handed_in(told: Told, person: uuid.UUID, *, at: datetime) -> dict[str, Any]:
    """This person has handed in the reflection; its text stays here."""
    return sentence(
        told.home,
        person,
        vocabulary.SUBMITTED,
        reflection_activity(told),
        at=at,
        registration=told.registration(person),
        revision=told.policy_number,
        within=(told.activity,),
    )


def judged(told: Told, person: uuid.UUID, *, accepted: bool, at: datetime, reader: uuid.UUID) -> dict[str, Any]:
    """The reader says of this person's reflection: accepted, or to be written again."""
    return sentence(
        told.home,
        person,
        vocabulary.PASSED if accepted else vocabulary.FAILED,
        reflection_activity(told),
        at=at,
        registration=told.registration(person),
        revision=told.policy_number,
        within=(told.activity,),
        result={"success": accepted, "completion": accepted},
        instructor=reader,
    )
