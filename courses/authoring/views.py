"""The trainer's pages: what there is to edit, a lesson with its preview, and publishing a new version."""

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from courses.authoring import actions, queries, rules
from courses.authoring.access import (
    EDIT,
    PUBLISH,
    READ,
    Desk,
    access_lesson,
    access_module,
    access_settings,
    access_shelf,
)
from courses.authoring.forms import ATTEMPT, COUNTS, LessonForm, PublishForm, SettingsForm, settings_form
from courses.authoring.queries import LessonAtWork
from courses.catalog.actions import Publisher
from courses.catalog.models import CourseVersion
from courses.catalog.render import as_markup, lesson_html
from courses.catalog.rules import LessonText, Problem, cited_in_core, problems, settings_of
from lms.db import get_read_session, get_session
from lms.web.acting import actor
from lms.web.feature import Feature
from lms.web.gate import needs

bp = Feature("authoring", __name__, url_prefix="/authoring")

WORDS = {
    "block_end": _l("Dấu ::: này không đóng khung nào. Xóa dòng này, hoặc thêm dòng mở khung ở trên."),
    "block_unclosed": _l("Khung “%(found)s” chưa được đóng. Thêm một dòng chỉ có ::: ở cuối khung."),
    "block_unknown": _l("Không có loại khung “%(found)s”. Các loại khung: practice, extension, figure."),
    "citation_form": _l("Dòng dẫn “%(found)s” viết chưa đúng. Viết như [TQ-2022 L16] hoặc [TQ-2022 L7, L12]."),
    "citation_place": _l("“%(found)s” đứng trong khung tình huống hoặc mở rộng. Chỉ phần chính mới dẫn dòng bản tin."),
    "citation_unknown": _l("Bản tin nguồn không có dòng %(found)s. Kiểm tra lại số dòng."),
    "extension_unknown": _l("Danh mục nguồn của khóa học không có văn bản “%(found)s”."),
    "figure_caption": _l("Hình “%(found)s” chưa có lời chú."),
    "figure_twice": _l("Hình “%(found)s” đã dùng ở trên. Mỗi hình chỉ dùng một lần trong bài."),
    "figure_unknown": _l("Khóa học không có hình “%(found)s”."),
    "heading": _l("Đề mục “%(found)s” sai cấp. Dùng ## cho mục lớn và ### cho mục nhỏ."),
    "html": _l("“%(found)s”: không dùng thẻ HTML. Xem phần cách viết để định dạng."),
    "invisible": _l("Dòng này có ký tự ẩn, thường do sao chép từ nơi khác. Xóa rồi gõ lại chỗ này."),
    "link": _l("“%(found)s”: không đặt liên kết hay ảnh từ nơi khác. Địa chỉ của nguồn nằm trong danh mục nguồn."),
    "practice_answer": _l("Tình huống chưa có đoạn bắt đầu bằng **Trả lời mẫu.**"),
    "practice_count": _l("Bài nên có đúng một khung tình huống (practice); hiện có %(found)s."),
    "practice_title": _l("Khung tình huống chưa có tên. Viết tên sau chữ practice."),
    "quotation": _l("Đoạn trong ngoặc kép %(found)s chưa có dòng dẫn ở sau. Dẫn nguyên văn thì thêm dòng dẫn."),
    "words_few": _l("Bài có %(found)s chữ; nên có từ 250 đến 600 chữ."),
    "words_many": _l("Bài có %(found)s chữ; nên có từ 250 đến 600 chữ."),
}
"""What each rule of courses.catalog.rules asks for, for whoever writes lessons."""

FIELDS = {
    "title": _l("Tên bài"),
    "title_en": _l("Tên bài bằng tiếng Anh"),
    "minutes": _l("Thời gian học (phút)"),
    "objectives": _l("Mục tiêu"),
    "action": _l("Thông điệp hành động"),
    "body": _l("Nội dung bài"),
}


def in_words(problem: Problem, text: str) -> str:
    """A broken rule as a sentence, with the line of the text that breaks it when there is one."""
    told = str(WORDS[problem.rule]) % {"found": problem.found}
    if not problem.line:
        return told
    quoted = rules.quoted_line(text, problem.line)
    if not quoted:
        return str(_("Dòng %(line)s: %(told)s", line=problem.line, told=told))
    return str(_("Dòng %(line)s (%(quoted)s): %(told)s", line=problem.line, quoted=quoted, told=told))


def publisher() -> Publisher:
    """Whoever is signed in, as the one who writes."""
    person = actor()
    return Publisher(person.person_id, person.public_id)


@bp.get("/")
@needs(READ)
def index() -> ResponseReturnValue:
    """Every course with its modules, and which of them hold something unpublished."""
    return render_template("authoring/index.html", shelf=access_shelf(get_session(), actor()))


@bp.get("/<course_code>/settings")
@needs(READ)
def settings(course_code: str) -> ResponseReturnValue:
    """Which test counts, from which mark, how often: as learners who begin now find it, in a form."""
    version = access_settings(get_session(), actor(), READ, course_code)
    return settings_page(version, settings_form(version.number, settings_of(version.settings)))


@bp.post("/<course_code>/settings")
@needs(PUBLISH)
def publish_settings(course_code: str) -> ResponseReturnValue:
    """Publish the course with other settings; learners under way keep theirs."""
    own = get_session()
    version = access_settings(own, actor(), PUBLISH, course_code)
    form = SettingsForm()
    if not form.validate_on_submit():
        return settings_page(version, form), 422
    wanted, note = form.settings(settings_of(version.settings)), (form.note.data or "").strip()
    try:
        number = actions.publish_settings(
            own, version.course, wanted, note=note, seen=form.seen_number(), by=publisher()
        )
    except actions.NothingToPublish:
        flash(_("Không có thay đổi nào để công bố: phiên bản mới nhất đã có các thiết lập này."), "info")
    except actions.Outdated:
        version = access_settings(own, actor(), PUBLISH, course_code)
        form.seen.data = str(version.number)
        return settings_page(version, form, outdated=True), 409
    else:
        flash(
            _(
                "Đã công bố bản %(number)s của khóa học. Người bắt đầu học từ nay theo bản này; người đang học giữ bản "
                "của mình.",
                number=number,
            ),
            "success",
        )
    return redirect(url_for(".settings", course_code=course_code))


def settings_page(version: CourseVersion, form: SettingsForm, *, outdated: bool = False) -> str:
    """The form, what holds now, and the versions there have been."""
    return render_template(
        "authoring/settings.html",
        version=version,
        now=settings_of(version.settings),
        form=form,
        counts=COUNTS,
        attempt=ATTEMPT,
        versions=get_session().scalars(queries.course_versions(version.course_id)).all(),
        outdated=outdated,
    )


@bp.get("/<course_code>/<module_code>")
@needs(READ)
def module(course_code: str, module_code: str) -> ResponseReturnValue:
    """The lessons of a module and its published versions."""
    own = get_session()
    desk = access_module(own, actor(), READ, course_code, module_code)
    versions = own.scalars(queries.versions_of(desk.at_work.module.id)).all()
    return render_template("authoring/module.html", desk=desk, versions=versions)


@bp.get("/<course_code>/<module_code>/<lesson_code>")
@needs(READ)
def lesson(course_code: str, module_code: str, lesson_code: str) -> ResponseReturnValue:
    """The working text of a lesson, in a form."""
    desk, at_work = access_lesson(get_session(), actor(), READ, course_code, lesson_code)
    return editor(desk, at_work, filled(at_work))


@bp.post("/<course_code>/<module_code>/<lesson_code>")
@needs(EDIT)
def save_lesson(course_code: str, module_code: str, lesson_code: str) -> ResponseReturnValue:
    """Keep what was typed as the draft."""
    own = get_session()
    desk, at_work = access_lesson(own, actor(), EDIT, course_code, lesson_code)
    form = LessonForm()
    if not form.validate_on_submit():
        return editor(desk, at_work, form), 422
    try:
        actions.save_draft(
            own,
            desk.at_work.module,
            form.text(lesson_code),
            position=at_work.position,
            seen=form.seen(),
            by=publisher(),
        )
    except actions.Outdated:
        return both_texts(*access_lesson(own, actor(), EDIT, course_code, lesson_code), form), 409
    flash(_("Đã lưu bản nháp. Người học chỉ thấy sau khi công bố."), "success")
    return redirect(url_for(".lesson", course_code=course_code, module_code=module_code, lesson_code=lesson_code))


@bp.post("/<course_code>/<module_code>/<lesson_code>/preview")
@needs(EDIT)
def preview_lesson(course_code: str, module_code: str, lesson_code: str) -> ResponseReturnValue:
    """The same form with what was typed and how it will look. Nothing is saved."""
    desk, at_work = access_lesson(get_read_session(), actor(), EDIT, course_code, lesson_code)
    return editor(desk, at_work, LessonForm(), unsaved=True)


@bp.post("/<course_code>/<module_code>/<lesson_code>/preview-part")
@needs(EDIT)
def preview_part(course_code: str, module_code: str, lesson_code: str) -> ResponseReturnValue:
    """Only how it will look, for the script that shows it while one types."""
    desk, _at_work = access_lesson(get_read_session(), actor(), EDIT, course_code, lesson_code)
    return render_template("authoring/preview.html", **preview(desk, LessonForm().body.data))


@bp.get("/<course_code>/<module_code>/publish")
@needs(READ)
def review(course_code: str, module_code: str) -> ResponseReturnValue:
    """What would change for learners, before it is published."""
    desk = access_module(get_session(), actor(), READ, course_code, module_code)
    return decision(desk, PublishForm(seen=desk.at_work.state))


@bp.post("/<course_code>/<module_code>/publish")
@needs(PUBLISH)
def publish(course_code: str, module_code: str) -> ResponseReturnValue:
    """Make the drafts of a module what learners who begin from now on will study."""
    own = get_session()
    desk = access_module(own, actor(), PUBLISH, course_code, module_code)
    form = PublishForm()
    if not form.validate_on_submit():
        return decision(desk, form), 422
    try:
        number = actions.publish_module(
            own,
            desk.course,
            desk.at_work.module,
            note=(form.note.data or "").strip(),
            seen=form.seen.data or "",
            by=publisher(),
        )
    except actions.NothingToPublish:
        flash(_("Không có thay đổi nào để công bố: phiên bản mới nhất đã là nội dung này."), "info")
    except actions.Outdated:
        desk = access_module(own, actor(), PUBLISH, course_code, module_code)
        form.seen.data = desk.at_work.state
        return decision(desk, form, outdated=True), 409
    except actions.NotPublishable:
        return decision(desk, form), 422
    else:
        flash(
            _(
                "Đã công bố phiên bản %(number)s. Người bắt đầu học từ nay thấy phiên bản này; người đang học giữ "
                "phiên bản của mình.",
                number=number,
            ),
            "success",
        )
    return redirect(url_for(".module", course_code=course_code, module_code=module_code))


def filled(at_work: LessonAtWork) -> LessonForm:
    """The form with the working text."""
    text = at_work.working
    return LessonForm(
        formdata=None,
        revision=str(at_work.revision),
        title=text.title,
        title_en=text.title_en,
        minutes=text.minutes,
        objectives="\n".join(text.objectives),
        action=text.action,
        body=text.body,
    )


def preview(desk: Desk, body: str | None) -> dict[str, Any]:
    """How a body will look, and what is wrong with it."""
    text = (body or "")[: rules.LONGEST_BODY]
    found = problems(text, register=desk.register, figures=desk.figures)
    return {
        "html": as_markup(lesson_html(text, register=desk.register, figures=desk.figures)),
        "blockers": [in_words(one, text) for one in found if one.blocks],
        "advice": [in_words(one, text) for one in found if not one.blocks],
        "sources": cited_in_core(text),
    }


def editor(desk: Desk, at_work: LessonAtWork, form: LessonForm, **more: Any) -> str:
    """The page of a lesson at work."""
    return render_template(
        "authoring/lesson.html", desk=desk, at_work=at_work, form=form, **preview(desk, form.body.data), **more
    )


def both_texts(desk: Desk, at_work: LessonAtWork, form: LessonForm) -> str:
    """Somebody saved meanwhile: both texts on one page. Sending again replaces the other's, knowingly."""
    form.revision.data = str(at_work.revision)
    mine = form.text(at_work.working.code)
    return editor(desk, at_work, form, theirs=at_work.working, differences=told(at_work.working, mine))


def told(old: LessonText, new: LessonText) -> list[tuple[str, tuple[rules.Passage, ...]]]:
    """What differs, under the names of the form's fields."""
    return [(str(FIELDS[change.field]), change.passages) for change in rules.changes(old, new)]


def decision(desk: Desk, form: PublishForm, *, outdated: bool = False) -> str:
    """The page on which one decides to publish."""
    lessons = [
        {
            "text": one.working,
            "differences": told(one.published, one.working),
            **{key: value for key, value in preview(desk, one.working.body).items() if key in ("blockers", "advice")},
        }
        for one in desk.at_work.changed
    ]
    blocked = any(one["blockers"] for one in lessons)
    return render_template(
        "authoring/publish.html", desk=desk, form=form, lessons=lessons, blocked=blocked, outdated=outdated
    )
