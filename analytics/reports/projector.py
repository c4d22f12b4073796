"""Reports are of the unit they were made for: one that never was has none."""

from analytics.reports.models import ReportEntry, ReportSnapshot, ReportSubmission
from lms.organisation.projector import Staying

OF_UNITS = (ReportEntry.unit_id, ReportSnapshot.unit_id, ReportSubmission.to_unit_id)

REPORTS_OF_UNITS = Staying([("reports", column) for column in OF_UNITS])
