"""What the assessments package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from assessments.attempts import models as attempts_models
from assessments.bank import models as bank_models
from assessments.papers import models as papers_models
from lms.doors import Doors
from lms.web.feature import Feature

MODELS = (attempts_models, bank_models, papers_models)


def fill(doors: Doors) -> None:
    """Register at the doors."""


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return ()
