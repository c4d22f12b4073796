"""What the analytics package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from analytics.dashboard import views as dashboard
from analytics.facts import models as facts_models
from analytics.facts.projector import TallyProjection, project_tally
from analytics.reports import admin as report_files
from analytics.reports import models as reports_models
from analytics.reports import views as reports
from analytics.reports.actions import REPORT_FILE, REPORT_MAIL, forget_files, mail_report, make_file, queue_reports
from courses.briefings.projector import StandingsChanged
from lms.doors import Doors, Home, MenuEntry
from lms.web.feature import Feature

MODELS = (facts_models, reports_models)

figures = Feature("figures", "analytics.figures")  # serves the library of charts, and no page


def fill(doors: Doors) -> None:
    """Register at the doors."""
    doors.menu.append(MenuEntry(_l("Bảng theo dõi"), "dashboard.mine", "unit:read_figures", 20))
    doors.menu.append(MenuEntry(_l("Báo cáo"), "reports.mine", "unit:read_figures", 21))
    doors.menu.append(MenuEntry(_l("Chất lượng câu hỏi"), "reports.questions", "question:read_quality", 45))
    doors.jobs |= {REPORT_MAIL: mail_report, REPORT_FILE: make_file}
    doors.nightly += [queue_reports, forget_files]
    doors.homes.append(Home("dashboard.mine", "unit:read_figures", 10))
    doors.listen(StandingsChanged, project_tally)
    doors.projections.append(TallyProjection())


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return (dashboard.bp, figures, reports.bp, report_files.bp)
