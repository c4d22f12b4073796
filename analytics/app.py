"""What the analytics package offers: its pages, and what it registers at the doors of the ground."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _l

from analytics.api import admin as tokens
from analytics.api import models as api_models
from analytics.api import views as api
from analytics.api.access import READ as READ_TOKENS
from analytics.api.cli import api as api_command
from analytics.api.queries import tokens_called
from analytics.charts import views as charts
from analytics.chasing import models as chasing_models
from analytics.chasing import views as chasing
from analytics.chasing.actions import CHASE, HEADS, chase, plan_the_morning, tell_heads
from analytics.chasing.queries import data_of as told_heads
from analytics.dashboard import views as dashboard
from analytics.facts import models as facts_models
from analytics.facts.projector import TallyDayProjection, TallyProjection, project_tally
from analytics.numbers import views as numbers
from analytics.reports import admin as report_files
from analytics.reports import models as reports_models
from analytics.reports import views as reports
from analytics.reports.actions import REPORT_FILE, REPORT_MAIL, forget_files, mail_report, make_file, queue_reports
from analytics.reports.projector import REPORTS_OF_UNITS
from courses.briefings.access import READ as READ_BRIEFINGS
from courses.briefings.projector import StandingsChanged
from lms.doors import ADMINISTRATION, ORGANISING, RESULTS, Doors, Home, MenuEntry
from lms.web.feature import Feature

MODELS = (api_models, chasing_models, facts_models, reports_models)

figures = Feature("figures", "analytics.figures")  # serves the library of charts, and no page


def fill(doors: Doors) -> None:
    """Register at the doors."""
    doors.menu.append(MenuEntry(_l("Bảng theo dõi"), "dashboard.mine", "unit:read_figures", 20))
    doors.menu.append(MenuEntry(_l("Báo cáo"), "reports.mine", "unit:read_figures", 21))
    doors.menu.append(MenuEntry(_l("Chất lượng câu hỏi"), "reports.questions", "question:read_quality", 47, RESULTS))
    doors.jobs |= {REPORT_MAIL: mail_report, REPORT_FILE: make_file}
    doors.nightly += [queue_reports, forget_files, plan_the_morning]
    doors.jobs |= {CHASE: chase, HEADS: tell_heads}
    doors.own_data.append(told_heads)
    doors.menu.append(MenuEntry(_l("Thư đêm nay"), "chasing.tonight", READ_BRIEFINGS, 55, ORGANISING))
    doors.menu.append(MenuEntry(_l("Khóa đọc số liệu"), "tokens.index", READ_TOKENS, 83, ADMINISTRATION))
    doors.commands.append(api_command)
    doors.called |= dict.fromkeys(("api_token", "token"), tokens_called)
    doors.homes.append(Home("dashboard.mine", "unit:read_figures", 10))
    doors.listen(StandingsChanged, project_tally)
    doors.belongings.append(REPORTS_OF_UNITS)
    doors.projections += [TallyProjection(), TallyDayProjection()]


def features() -> Iterable[Feature]:
    """The blueprints of this package."""
    return (dashboard.bp, charts.bp, numbers.bp, figures, reports.bp, report_files.bp, api.bp, tokens.bp, chasing.bp)
