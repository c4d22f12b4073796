"""A tiny course in the form of the library, and the built-in one, for tests that need something to study.

The tiny course `demo` has two modules of two short lessons and ten questions each. It keeps every rule of
docs/course-format.md and loads in a few milliseconds; a module test draws four questions, the final test six.
"""

from pathlib import Path

from courses.catalog.actions import load_course
from courses.catalog.loader import LIBRARY
from tests.kept import kept_where_new
from tests.make import Make

CODE = "demo"

COURSE = """\
+++
code = "demo"
title = "Khóa học nhỏ"
title_en = "A small course"
summary = "Hai chuyên đề, mười bốn phút."
summary_en = "Two modules, fourteen minutes."
minutes = 14
version_note = "Bản đầu tiên."

[tests]
counts = "{counts}"
questions = 4
final_questions = 6
+++

Giới thiệu khóa học [BT L1].
"""

LINES = """\
[source]
key = "BT"
title = "Một bản tin"
publisher = "Một tờ báo"
date = 2022-04-22
address = "bao.example/ban-tin"

[lines]
"""

REGISTER = """\
[VB-1]
title = "Một văn bản"
issued = "1-1-2022, một cơ quan"
address = "co-quan.example/van-ban"
confidence = "A"
note = "trích đoạn"
"""

MODULE = """\
+++
code = "m{module}"
title = "Chuyên đề {module}"
title_en = "Module {module}"
minutes = 7
objectives = ["Nêu được điều thứ nhất", "Nêu được điều thứ hai"]
+++

Giới thiệu chuyên đề {module}.
"""

LESSON = """\
+++
code = "m{module}-{lesson}"
title = "Bài {module}.{lesson}"
title_en = "Lesson {module}.{lesson}"
minutes = {minutes}
objectives = ["Nêu được điều thứ nhất", "Nêu được điều thứ hai"]
action = "Tuần này, làm một việc của bài {module}.{lesson}."
sources = ["BT L{module}", "BT L{lesson}"]
short = true
+++

## Phần chính của bài {module}.{lesson}

Điều thứ nhất [BT L{module}]. Điều thứ hai [BT L{lesson}].

::: practice Một tình huống
Một xã có một việc.

**Câu hỏi suy ngẫm.** Nên làm gì?

**Trả lời mẫu.** Làm việc ấy.
:::

::: extension VB-1
Một điều lấy từ nguồn khác.
:::
"""

QUESTION = """\
[[question]]
code = "m{module}-q{number:02}"
kind = "single"
scenario = false
topic = "chu-de-{topic}"
level = "understand"
lesson = "m{module}-{lesson}"
sources = ["BT L{module}"]
stem = "Câu {number} của chuyên đề {module}?"
options = ["Phương án thứ nhất", "Phương án thứ hai", "Phương án thứ ba", "Phương án thứ tư"]
key = [{key}]
explanation = "Vì bài học nêu như vậy ở câu {number}."

"""


def write_small_course(folder: Path, *, counts: str = "modules") -> Path:
    """The folder of the tiny course below `folder`, written anew. `counts`: which tests are required."""
    course = folder / CODE
    files = {
        "course.md": COURSE.format(counts=counts),
        "lines.toml": LINES + "".join(f'L{number} = "{"0" * 64}"\n' for number in range(1, 5)),
        "register.toml": REGISTER,
    }
    for module in (1, 2):
        files[f"m{module}/module.md"] = MODULE.format(module=module)
        for lesson in (1, 2):
            minutes = 2 + lesson
            text = LESSON.format(module=module, lesson=lesson, minutes=minutes)
            files[f"m{module}/{lesson}-bai.md"] = text.replace(f'["BT L{module}", "BT L{module}"]', f'["BT L{module}"]')
        files[f"m{module}/questions.toml"] = "".join(
            QUESTION.format(module=module, number=n, topic=n % 4 + 1, lesson=n % 2 + 1, key=n % 4 + 1)
            for n in range(1, 11)
        )
    for name, text in files.items():
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text(text, "utf-8")
    return course


def load_small_course(make: Make, folder: Path, *, counts: str = "modules") -> str:
    """Load the tiny course and return its code; `folder` is the test's own, such as `tmp_path`."""
    if counts == "modules":
        return kept_where_new(make, folder, small_course)
    return load_written(make, write_small_course(folder, counts=counts))


def small_course(make: Make, folder: Path) -> str:
    """The course as most tests want it."""
    return load_written(make, write_small_course(folder))


def load_written(make: Make, course: Path) -> str:
    with make.writing() as session:
        load_course(session, course)
    return CODE


def load_built_in_course(make: Make) -> str:
    """Load the real course and return its code."""
    with make.writing() as session:
        load_course(session, LIBRARY / "nq48")
    return "nq48"
