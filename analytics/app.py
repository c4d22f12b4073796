"""What the analytics package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from analytics.facts import models as facts_models
from lms.doors import Doors
from lms.web.feature import Feature

MODELS = (facts_models,)


def fill(doors: Doors) -> None:
    """Register at the doors."""


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return ()
