"""What the courses package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from courses.authoring import models as authoring_models
from courses.authoring import views as authoring
from courses.briefings import admin as briefing_admin
from courses.briefings import models as briefings_models
from courses.briefings import queries as briefings_known
from courses.briefings import views as briefings
from courses.briefings.access import LIST
from courses.briefings.access import READ as READ_BRIEFINGS
from courses.briefings.actions import said_of_before
from courses.briefings.filters import data_of as briefings_of
from courses.briefings.projection import BriefingRecordProjection
from courses.briefings.projector import (
    RECORDS_OF_UNITS,
    StandingProjection,
    StandingsChanged,
    day_begun,
    organisation_changed,
    people_moved,
    project_records,
    project_standing,
    roll_changed,
    take_back_records,
)
from courses.catalog import models as catalog_models
from courses.catalog.actions import CoursePublished, load_library
from courses.catalog.queries import courses_called, taught_courses
from courses.certificates import actions as certificates
from courses.certificates import admin as certificates_issued
from courses.certificates import models as certificates_models
from courses.certificates import views as certificates_views
from courses.certificates.access import NAMES as READ_NAMES
from courses.certificates.demo import issue_to_those_who_complete
from courses.certificates.queries import certificates_called
from courses.certificates.queries import data_of as certificates_of
from courses.enrolment import models as enrolment_models
from courses.enrolment import views as enrolment
from courses.enrolment.access import READ as READ_ASSIGNMENTS
from courses.enrolment.actions import RollChanged, SaidOfBefore, forget_reasons
from courses.enrolment.demo import assign_the_course
from courses.enrolment.projector import AssignmentsOfUnits, follow_late
from courses.enrolment.queries import assignments_called, briefings_called
from courses.learning import models as learning_models
from courses.learning import views as learning
from courses.learning.projector import (
    ProgressChanged,
    ProgressProjection,
    await_turn,
    project_progress,
    take_back_progress,
    understand_anew,
)
from courses.learning.queries import data_of
from courses.meetings import admin as sittings
from courses.meetings import models as meetings_models
from courses.meetings import views as meetings
from courses.meetings.access import ATTEND
from courses.meetings.demo import hold_the_conference
from courses.meetings.projection import SightingProjection
from courses.meetings.projector import project_sightings, take_back_sightings
from courses.meetings.queries import points_called, sittings_called
from courses.reminders import models as reminders_models
from courses.reminders import views as reminders
from courses.reminders.actions import REMIND, plan_the_night, remind
from lms.accounts.actions import PeopleMoved
from lms.doors import ORGANISING, RESULTS, STUDY, Doors, Home, MenuEntry
from lms.organisation.actions import OrganisationChanged
from lms.privacy.actions import PersonErased
from lms.web.feature import Feature
from lms.xapi.projection import StatementsArriving, StatementsRecorded, StatementsVoided

MODELS = (
    authoring_models,
    briefings_models,
    catalog_models,
    certificates_models,
    enrolment_models,
    learning_models,
    meetings_models,
    reminders_models,
)
MENU = (
    MenuEntry(_l("Khóa học"), "learning.home", "course:study", 10, STUDY),
    MenuEntry(_l("Giấy chứng nhận"), "certificates.mine", "course:study", 12, STUDY),
    MenuEntry(_l("Điểm danh"), "meetings.mine", ATTEND, 15, STUDY),
    MenuEntry(_l("Biên soạn"), "authoring.index", "module:read", 40),
    MenuEntry(_l("Giấy chứng nhận đã cấp"), "issued.index", READ_NAMES, 46, RESULTS),
    MenuEntry(_l("Đợt học tập, quán triệt"), "briefings.index", READ_BRIEFINGS, 50, ORGANISING),
    MenuEntry(_l("Giao học"), "enrolment.index", READ_ASSIGNMENTS, 51, ORGANISING),
    MenuEntry(_l("Số phải học"), "rolls.choose", LIST, 52, ORGANISING),
    MenuEntry(_l("Điểm cầu"), "sittings.index", READ_BRIEFINGS, 53, ORGANISING),
    MenuEntry(_l("Nhắc việc"), "reminders.index", READ_BRIEFINGS, 54, ORGANISING),
)


def fill(doors: Doors) -> None:
    """Register at the doors."""
    doors.first_steps.append(load_library)
    doors.taught.append(taught_courses)
    doors.demo_steps += [assign_the_course, hold_the_conference, issue_to_those_who_complete]
    doors.homes.append(Home("learning.home", "course:study", 1))
    doors.homes.append(Home("authoring.index", "module:edit", 20))
    doors.menu += MENU
    doors.jobs[REMIND] = remind
    doors.nightly.append(plan_the_night)
    doors.listen(StatementsArriving, await_turn)
    doors.listen(StatementsRecorded, project_progress)
    doors.listen(StatementsVoided, take_back_progress)
    doors.listen(StatementsRecorded, project_records)
    doors.listen(StatementsVoided, take_back_records)
    doors.listen(StatementsRecorded, project_sightings)
    doors.listen(StatementsVoided, take_back_sightings)
    doors.listen(CoursePublished, understand_anew)
    doors.listen(ProgressChanged, project_standing)
    doors.listen(PeopleMoved, people_moved)
    doors.listen(SaidOfBefore, said_of_before)
    doors.listen(RollChanged, roll_changed)
    doors.listen(PersonErased, forget_reasons)
    doors.listen(OrganisationChanged, organisation_changed)
    doors.belongings += [AssignmentsOfUnits(), RECORDS_OF_UNITS]
    doors.called |= {"course": courses_called, "briefing": briefings_called, "assignment": assignments_called}
    doors.called |= {"briefing_session": sittings_called, "meeting_point": points_called}
    doors.called |= {"certificate": certificates_called, "frozen_roll": briefings_known.rolls_called}
    doors.daybreak += [follow_late, day_begun]
    doors.listen(StandingsChanged, certificates.follow_standings)
    doors.listen(PersonErased, certificates.forget_name)
    doors.jobs |= {
        certificates.ISSUE_MISSING: certificates.issue_missing,
        certificates.PRINT: certificates.print_many,
    }
    doors.nightly.append(certificates.forget_prints)
    doors.own_data += [data_of, briefings_of, briefings_known.data_of, certificates_of]
    doors.projections += [ProgressProjection(), BriefingRecordProjection(), SightingProjection(), StandingProjection()]


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return (
        authoring.bp,
        briefings.bp,
        briefings.rolls,
        briefings.standings,
        briefing_admin.bp,
        briefing_admin.deciding,
        certificates_views.bp,
        certificates_issued.bp,
        enrolment.bp,
        learning.bp,
        meetings.bp,
        sittings.bp,
        sittings.lists,
        reminders.bp,
    )
