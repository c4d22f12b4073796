"""Tests: the activities of a course that are answered by papers drawn from the bank."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from lms.db import Base


class Test(Base):
    """The test of a module, or (module None) the final test of a course, over all its modules."""

    __tablename__ = "test"
    __test__ = False  # not a test of ours: pytest would collect it by its name

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    module_id: Mapped[int | None] = mapped_column(ForeignKey("module.id"))
