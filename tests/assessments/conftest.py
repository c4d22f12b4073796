"""A small course with its questions, and a learner in front of it."""

from pathlib import Path

import pytest

from tests.assessments.sitting import Sitting, questions_and_a_learner
from tests.kept import kept
from tests.make import Make


@pytest.fixture
def sitting(make: Make, tmp_path: Path) -> Sitting:
    """The small course `demo` with questions of every kind in its first module, and a signed-in learner."""
    return Sitting(make, library=tmp_path, learner=kept(make, tmp_path, questions_and_a_learner))
