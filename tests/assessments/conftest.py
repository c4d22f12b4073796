"""A small course with its questions, and a learner in front of it."""

from pathlib import Path

import pytest

from tests.assessments.sitting import Sitting, write_questions
from tests.library_course import load_small_course
from tests.make import Make


@pytest.fixture
def sitting(make: Make, tmp_path: Path) -> Sitting:
    """The small course `demo` with questions of every kind in its first module, and a signed-in learner."""
    load_small_course(make, tmp_path)
    write_questions(tmp_path)
    return Sitting(make, library=tmp_path)
