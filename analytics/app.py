"""What the analytics package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from analytics.facts import models as facts_models
from analytics.facts.projector import TallyProjection, project_tally
from courses.briefings.projector import StandingsChanged
from lms.doors import Doors
from lms.web.feature import Feature

MODELS = (facts_models,)


def fill(doors: Doors) -> None:
    """Register at the doors."""
    doors.listen(StandingsChanged, project_tally)
    doors.projections.append(TallyProjection())


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return ()
