"""The unit, the structure and the briefing that pages of reports are asked for, and the tree of mail by schedule."""

import uuid
from collections.abc import Callable
from contextlib import suppress

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from analytics.facts.forms import asked_of
from analytics.facts.projection import Structure
from analytics.reports.access import FIGURES, access_own, access_subject
from analytics.reports.forms import UNTIL, figures_asked
from analytics.reports.queries import Subject
from lms import clock
from lms.db import get_session
from lms.organisation.access import first_tree
from lms.organisation.models import STATE_TREE, TREES
from lms.web.acting import NotFound, actor


def asked_subject(permission: str, unit_id: uuid.UUID, wanted: Structure | None = None) -> Subject:
    """The unit and the briefing that the address names, of now or by what is `wanted`. Raises `NotFound`."""
    code = request.args.get("briefing")
    return access_subject(get_session(), actor(), permission, unit_id, code, now=clock.now(), wanted=wanted)


def of_today(tree: str) -> Structure | None:
    """The structure of today in that tree; None: that of the state, where nothing is to be said."""
    return Structure(clock.today(), tree, True) if tree != STATE_TREE else None


def mail_subject(permission: str, unit_id: uuid.UUID, tree: str) -> Subject:
    """The unit of which a mail by schedule tells today in that tree, for whoever answers for it. Raises `NotFound`."""
    access_own(get_session(), actor(), permission, unit_id, tree=tree)
    return asked_subject(permission, unit_id, of_today(tree))


def mail_trees(of: Subject) -> list[str]:
    """The trees by one of which a mail of the unit may be scheduled: that of the subject, and another with figures."""
    found = []
    for tree in TREES:
        with suppress(NotFound):
            found.append(of.by.tree if tree == of.by.tree else mail_subject(FIGURES, of.unit.public_id, tree).by.tree)
    return found


def asked_page(permission: str, unit_id: uuid.UUID, form: str, page: Callable[[Subject], str]) -> ResponseReturnValue:
    """The page about what the address asks; where there are no figures of it, back to those of now, which must be."""
    begins = first_tree(actor(), permission)
    today = of_today(begins)
    if asked_of(request.args).errors:
        return page(asked_subject(permission, unit_id, today)), 422
    try:
        of = asked_subject(permission, unit_id, figures_asked(form))
    except NotFound:
        asked_subject(permission, unit_id, today)
        if request.args.get("until") and form not in UNTIL:
            words = _("Trang này chỉ có theo hiện nay. Đến hết một ngày đã qua lập được Biểu 01, 03, 05.")
        elif request.args.get("category"):
            words = _("Theo điều kiện lọc đã chọn đơn vị không có số liệu. Chọn ngày, cây hoặc loại cán bộ khác.")
        else:
            words = _("Ngày ấy đơn vị không có số liệu trong cây đã chọn. Chọn ngày hoặc cây khác.")
        flash(words, "warning")
        kept = {**(request.view_args or {}), "briefing": request.args.get("briefing")}
        return redirect(url_for(str(request.endpoint), **kept, tree=begins if today else None))
    return page(of)
