"""What first pages show of notices, the page of all of them, and the button that says one has been seen."""

import uuid
from collections.abc import Sequence

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from lms.db import get_read_session, get_session
from lms.notices import queries
from lms.notices.actions import mark_seen
from lms.notices.models import Notice
from lms.web.acting import actor, signed_in
from lms.web.feature import Feature
from lms.web.gate import OWN_ACCOUNT, needs

bp = Feature("notices", __name__, url_prefix="/notices", within="accounts")


@bp.app_template_global()
def noticed() -> Sequence[Notice]:
    """What whoever looks at the page has not seen yet, for first pages ("notices/here.html")."""
    me = signed_in()
    if me is None or not me.has_notices:  # known since this person was looked up: most pages ask no more
        return ()
    return get_read_session().scalars(queries.latest_unseen(me.person_id)).all()


@bp.get("")
@needs(OWN_ACCOUNT)
def index() -> ResponseReturnValue:
    """One's own notices, the latest first."""
    rows = get_session().scalars(queries.latest(actor().person_id)).all()
    return render_template("notices/index.html", rows=rows)


@bp.post("/<uuid:public_id>/seen")
@needs(OWN_ACCOUNT)
def seen(public_id: uuid.UUID) -> ResponseReturnValue:
    """It has been seen, and stands on no first page any more."""
    mark_seen(get_session(), actor().person_id, public_id)
    return redirect(url_for("notices.index"))
