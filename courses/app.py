"""What the courses package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from courses.authoring import models as authoring_models
from courses.briefings import models as briefings_models
from courses.catalog import models as catalog_models
from courses.enrolment import models as enrolment_models
from courses.learning import models as learning_models
from lms.doors import Doors
from lms.web.feature import Feature

MODELS = (authoring_models, briefings_models, catalog_models, enrolment_models, learning_models)


def fill(doors: Doors) -> None:
    """Register at the doors."""


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return ()
