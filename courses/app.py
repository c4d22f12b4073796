"""What the courses package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from courses.authoring import models as authoring_models
from courses.briefings import models as briefings_models
from courses.briefings.projector import (
    StandingProjection,
    people_moved,
    project_standing,
    roll_changed,
    settle_nightly,
)
from courses.catalog import models as catalog_models
from courses.enrolment import models as enrolment_models
from courses.enrolment.actions import RollChanged
from courses.learning import models as learning_models
from courses.learning.projector import ProgressChanged, ProgressProjection, project_progress
from lms.accounts.actions import PeopleMoved
from lms.doors import Doors
from lms.web.feature import Feature
from lms.xapi.projection import StatementsRecorded

MODELS = (authoring_models, briefings_models, catalog_models, enrolment_models, learning_models)


def fill(doors: Doors) -> None:
    """Register at the doors."""
    doors.listen(StatementsRecorded, project_progress)
    doors.listen(ProgressChanged, project_standing)
    doors.listen(PeopleMoved, people_moved)
    doors.listen(RollChanged, roll_changed)
    doors.nightly.append(settle_nightly)
    doors.projections += [ProgressProjection(), StandingProjection()]


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return ()
