"""Reflections of `lms demo`: what some fictional people wrote after the conference, and what its reader said."""

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from assessments.attempts.actions import Absent
from assessments.reflections.access import Read, access_own
from assessments.reflections.actions import hand_in, judge, keep, set_questions
from assessments.reflections.models import ReflectionTask
from assessments.reflections.rules import Question, Sent, fingerprint
from courses.briefings.models import Standing
from courses.enrolment.models import Briefing
from courses.meetings.demo import CODE
from lms import clock
from lms.accounts.demo import ADMINISTRATOR, LEARNER
from lms.accounts.models import Person, SignInAccount
from lms.organisation.models import Unit

SEED = 22
WRITERS = 40
QUESTIONS = (
    Question("Nội dung nào của nghị quyết liên quan nhiều nhất đến công việc của đồng chí? Vì sao?", 20, 400),
    Question("Trong ba tháng tới đồng chí sẽ làm việc gì cụ thể, và đo kết quả bằng cách nào?", 20, 400),
)
FIRST = (
    "Phần về dịch vụ công liên quan nhiều nhất, vì bộ phận của tôi tiếp nhận hồ sơ hằng ngày. Người dân hỏi nhiều"
    " về cách nộp qua mạng, mà trước đây tôi chỉ biết trả lời theo thói quen, chưa nắm được quy trình từ đầu đến "
    "cuối.",
    "Tôi quan tâm nhất đến việc thay đổi cách làm việc của chính cán bộ. Máy móc có rồi nhưng văn bản vẫn in ra "
    "để ký, nên việc chậm lại. Nếu người phụ trách không đổi thói quen thì phần mềm nào cũng chỉ để đó.",
    "Nội dung về dữ liệu gần với việc của tôi. Cùng một số liệu mà ba nơi nhập ba lần, mỗi nơi một khác; khi báo "
    "cáo phải gọi điện hỏi lại từng người. Nhập một lần và dùng chung sẽ bớt được nhiều công sức.",
    "Phần kỹ năng số cho người dân vùng xa làm tôi suy nghĩ. Ở xã tôi nhiều người lớn tuổi dùng điện thoại để "
    "gọi, chưa biết làm thủ tục trên đó, và đường truyền nhiều thôn còn yếu.",
)
SECOND = (
    "Tôi sẽ hướng dẫn tại chỗ cho người đến nộp hồ sơ vào sáng thứ hai và thứ năm hằng tuần. Mỗi tuần ghi lại số "
    "người tự nộp được qua mạng để so với tuần trước, cuối quý báo cáo chi bộ.",
    "Tôi bỏ việc in dự thảo ra giấy trong phòng, góp ý thẳng trên văn bản điện tử. Kết quả đo bằng số tờ giấy "
    "phòng dùng mỗi tháng và số ngày từ khi trình đến khi ký.",
    "Tôi lập một bảng số liệu chung cho bộ phận, mỗi cột có người chịu trách nhiệm cập nhật trước ngày hai mươi "
    "lăm. Đo bằng số lần phải hỏi lại khi làm báo cáo tháng.",
    "Tôi cùng đoàn thanh niên đến hai thôn, mỗi tháng một buổi, giúp bà con cài đặt và dùng thử. Đo bằng số hộ tự"
    " làm được một thủ tục mà không cần người làm hộ.",
)
TOO_GENERAL = "Phần việc sẽ làm còn chung: đề nghị nêu rõ ai làm, bao giờ xong và đo bằng con số nào."


def write_reflections(session: Session, _people: int) -> Iterator[str]:
    """Ask, write and judge, unless something was asked, or there was no conference. The demo learner's own is left."""
    briefing = session.scalar(select(Briefing).where(Briefing.code == CODE))
    if briefing is None or session.get(ReflectionTask, briefing.id) is not None:
        return
    reader = session.execute(of_account(ADMINISTRATOR)).one()
    begins = clock.now() - timedelta(days=20)
    with clock.moved_to(begins):
        set_questions(session, briefing, QUESTIONS, by=reader.public_id)
        session.flush()  # they are read where one writes
    writers = session.execute(
        select(Person, Unit)
        .join(Standing, Standing.person_id == Person.id)
        .join(Unit, Unit.id == Standing.unit_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(Standing.briefing_id == briefing.id, Standing.briefed_at < begins, ~Standing.exempt)
        .where(
            Person.fictional, Person.category == "cong_chuc", SignInAccount.username.not_in((LEARNER, ADMINISTRATOR))
        )
        .order_by(Person.id)
        .limit(WRITERS)
    ).all()
    dice = random.Random(SEED)  # noqa: S311 - made-up reflections guard nothing
    for person, unit in writers:
        moment = begins + timedelta(hours=dice.uniform(10, 400))
        write(session, briefing, person, unit, dice, moment=moment, reader=Absent(reader.id, reader.public_id))
    yield f"Reflections of the sample: {len(writers)} handed in."


def of_account(username: str) -> Select[int, uuid.UUID]:
    return (
        select(Person.id, Person.public_id)
        .join(SignInAccount, SignInAccount.person_id == Person.id)
        .where(Person.fictional, SignInAccount.username == username)
    )


def write(
    session: Session,
    briefing: Briefing,
    person: Person,
    unit: Unit,
    dice: random.Random,
    *,
    moment: datetime,
    reader: Absent,
) -> None:
    """One reflection, handed in at that moment; six of ten are accepted a day later, one is returned."""
    who, texts = Absent(person.id, person.public_id), (dice.choice(FIRST), dice.choice(SECOND))
    with clock.moved_to(moment):
        asked = access_own(session, who, briefing.code, to_change=True)
        keep(session, who, asked, {number: Sent(fingerprint(""), text) for number, text in enumerate(texts, 1)})
        session.flush()  # what is kept is handed in
        asked = access_own(session, who, briefing.code)
        hand_in(session, who, asked)
        session.flush()
    fate = dice.random()
    if asked.reflection is None or fate > 0.7:
        return  # it waits for its reader
    accepted, read = fate <= 0.6, Read(asked.reflection, person, unit, briefing)
    with clock.moved_to(moment + timedelta(days=1)):
        judge(session, reader, read, number=1, accepted=accepted, comment="" if accepted else TOO_GENERAL)
        session.flush()
