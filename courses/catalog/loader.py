"""Reads a course folder into typed values and checks every rule of docs/course-format.md on the way."""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from courses.catalog.rules import (
    CourseText,
    Document,
    LessonText,
    ModuleText,
    Problem,
    Register,
    Settings,
    Source,
    cited_in_core,
    intro_problems,
    problems,
)

LIBRARY = Path(__file__).resolve().parent.parent / "library"
"""The built-in courses: one folder each, named by the code of the course."""

Read = TypeVar("Read")
Line = Annotated[str, msgspec.Meta(min_length=1, pattern=r"\A[^\r\n]+\Z")]
Minutes = Annotated[int, msgspec.Meta(ge=1, le=240)]
Objectives = Annotated[list[Line], msgspec.Meta(min_length=2, max_length=4)]

FRONT_MATTER = re.compile(r"\A\+\+\+\n(?P<toml>.*?)^\+\+\+\n(?P<text>.*)\Z", re.DOTALL | re.MULTILINE)
ACTIVE = re.compile(r"<(?:script|style|image|foreignObject|use|a)\b|\b(?:on\w+|href|style)=", re.IGNORECASE)
CATCH_ALL = re.compile(r"(?:tất cả|cả (?:ba|bốn|ba|hai)) (?:các )?(?:phương án|ý|đáp án)", re.IGNORECASE)
FEWEST_QUESTIONS = 10
TOPICS = range(4, 7)
SENTENCES = {
    "block_end": "a `:::` that closes nothing",
    "block_unclosed": "the block is not closed before the next one",
    "block_unknown": "there is no such block here",
    "citation_form": "a citation looks like [TQ-2022 L16] or [TQ-2022 L7, L12]",
    "citation_place": "lines of the source are cited in the core only",
    "citation_unknown": "lines.toml has no such line",
    "extension_unknown": "register.toml has no such document",
    "figure_caption": "a drawing needs a caption",
    "figure_twice": "a drawing is shown once",
    "figure_unknown": "figures/ has no such drawing",
    "heading": "headings are of level 2 and 3",
    "html": "no raw HTML",
    "invisible": "an invisible or control character",
    "link": "no links and no pictures from elsewhere; addresses stand in register.toml",
    "practice_answer": "the practice block needs a paragraph that begins with **Trả lời mẫu.**",
    "practice_count": "exactly one practice block",
    "practice_title": "the practice block needs a title",
    "quotation": "a quotation in “…” is followed by its citation",
    "words_few": "at least 250 words, or `short = true`",
    "words_many": "at most 600 words",
}
"""What each rule of courses.catalog.rules asks for, for whoever writes course files."""


class CourseBroken(ValueError):
    """A course folder breaks rules; `problems` has one line for each, with file and rule."""

    def __init__(self, folder: Path, problems: list[str]) -> None:
        super().__init__("\n".join([f"course {folder.name} breaks {len(problems)} rules:", *problems]))
        self.problems = problems


class CourseFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front matter of course.md."""

    code: Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9-]*\Z")]
    title: Line
    title_en: Line
    summary: Line
    summary_en: Line
    minutes: Minutes
    version_note: Line
    tests: dict[str, Any]


class ModuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front matter of module.md."""

    code: Annotated[str, msgspec.Meta(pattern=r"\Am[1-9][0-9]?\Z")]
    title: Line
    title_en: Line
    minutes: Minutes
    objectives: Objectives


class LessonFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front matter of a lesson."""

    code: str
    title: Line
    title_en: Line
    minutes: Minutes
    objectives: Objectives
    action: Line
    sources: list[str]
    short: bool = False


class QuestionFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question as questions.toml writes it. Positions in `key` count from 1."""

    code: Annotated[str, msgspec.Meta(pattern=r"\Am[1-9][0-9]?-q[0-9]{2,3}\Z")]
    kind: Literal["single", "multiple", "order", "match"]
    scenario: bool
    topic: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]+\Z")]
    level: Literal["remember", "understand", "apply", "analyse"]
    lesson: str
    sources: Annotated[list[str], msgspec.Meta(min_length=1)]
    stem: Line
    options: list[Line]
    answers: list[Line] = []
    key: list[int] = []
    explanation: Line


class LibraryCourse(msgspec.Struct, frozen=True, kw_only=True):
    """A whole course as its folder holds it, with every rule kept."""

    code: str
    version_note: str
    text: CourseText
    modules: list[ModuleText]
    digests: dict[str, str]
    figures: dict[str, str]


class Reader:
    """Reads the files of one folder and collects what is wrong with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problems: list[str] = []

    def report(self, path: Path, rule: str, *, line: int = 0) -> None:
        """Note a broken rule."""
        place = path.relative_to(self.folder) if path.is_relative_to(self.folder) else path
        self.problems.append(f"{place}{f':{line}' if line else ''}: {rule}")

    def report_all(self, path: Path, found: list[Problem], *, offset: int = 0) -> None:
        """Note the broken rules of a text that begins `offset` lines into its file."""
        for one in found:
            detail = f" ({one.found})" if one.found else ""
            self.report(path, SENTENCES[one.rule] + detail, line=one.line + offset if one.line else 0)

    def toml(self, path: Path, kind: type[Read], text: str | None = None) -> Read | None:
        """The TOML of a file as a typed value; None, and a problem, when it is missing or wrong."""
        try:
            return msgspec.convert(tomllib.loads(path.read_text("utf-8") if text is None else text), kind)
        except FileNotFoundError:
            self.report(path, "the file is missing")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as fault:
            self.report(path, str(fault))
        return None

    def page(self, path: Path, kind: type[Read]) -> tuple[Read, str, int] | None:
        """Front matter, text and the number of lines before the text."""
        raw = path.read_text("utf-8") if path.exists() else ""
        if not unicodedata.is_normalized("NFC", raw):
            self.report(path, "the text is not in normal form C, in which everything is stored")
        parts = FRONT_MATTER.match(raw)
        if parts is None:
            self.report(path, "the file begins with TOML between two lines +++")
            return None
        front = self.toml(path, kind, parts["toml"])
        text = parts["text"].strip("\n")
        skipped = raw[: parts.start("text")].count("\n") + len(parts["text"]) - len(parts["text"].lstrip("\n"))
        return None if front is None else (front, text, skipped)

    def done(self) -> None:
        """Raise `CourseBroken` when anything was noted."""
        if self.problems:
            raise CourseBroken(self.folder, self.problems)


def read_course(folder: Path) -> LibraryCourse:
    """The course in a folder. Raises `CourseBroken` with every rule it breaks."""
    reader = Reader(folder)
    figures = read_figures(folder)
    check_figures(reader, figures)
    register, digests = read_register(reader)
    course = reader.page(folder / "course.md", CourseFile)
    modules = [module for path in module_folders(folder) if (module := read_module(reader, path, register, figures))]
    if not modules:
        reader.report(folder, "a course has modules, in folders m1, m2, …")
    if course is None:
        raise CourseBroken(folder, reader.problems)
    front, intro, skipped = course
    reader.report_all(folder / "course.md", intro_problems(intro, register=register), offset=skipped)
    if front.code != folder.name:
        reader.report(folder / "course.md", f"code {front.code} is not the name of the folder")
    total = sum(module.minutes for module in modules)
    if front.minutes != total:
        reader.report(folder / "course.md", f"minutes = {front.minutes}, but the modules take {total}")
    settings = read_settings(reader, front.tests)
    reader.done()
    text = CourseText(
        title=front.title,
        title_en=front.title_en,
        summary=front.summary,
        summary_en=front.summary_en,
        intro=intro,
        settings=settings,
        register=register,
    )
    note = front.version_note
    return LibraryCourse(
        code=front.code, version_note=note, text=text, modules=modules, digests=digests, figures=figures
    )


def module_folders(folder: Path) -> list[Path]:
    """The folders of the modules, in their order."""
    return sorted((path for path in folder.glob("m[0-9]*") if path.is_dir()), key=lambda path: int(path.name[1:]))


def read_figures(folder: Path) -> dict[str, str]:
    """The drawings of a course by name."""
    return {path.stem: path.read_text("utf-8").strip() for path in sorted(folder.glob("figures/*.svg"))}


def check_figures(reader: Reader, figures: dict[str, str]) -> None:
    """Drawings are put into pages as they are, so nothing in them may act or load."""
    for name, drawing in figures.items():
        path = reader.folder / "figures" / f"{name}.svg"
        if not drawing.startswith("<svg ") or "<title" not in drawing or 'class="fig"' not in drawing:
            reader.report(path, 'a drawing is <svg class="fig"> with a <title>')
        if ACTIVE.search(drawing):
            reader.report(path, "a drawing has no script, style, link or picture")


def read_register(reader: Reader) -> tuple[Register, dict[str, str]]:
    """What the course may cite, and the digest of each line of the source."""
    article = reader.toml(reader.folder / "lines.toml", dict[str, Any]) or {}
    documents = reader.toml(reader.folder / "register.toml", dict[str, Document]) or {}
    digests = {str(label): str(digest) for label, digest in article.get("lines", {}).items()}
    for label, digest in digests.items():
        if not re.fullmatch(r"L[0-9]+", label) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            reader.report(reader.folder / "lines.toml", f"{label} is not a label with its SHA-256")
    told = {name: str(value) for name, value in article.get("source", {}).items()}
    try:
        source = msgspec.convert({**told, "lines": list(digests)}, Source)
    except msgspec.ValidationError as fault:
        reader.report(reader.folder / "lines.toml", f"[source]: {fault}")
        source = Source(key="?", title="", publisher="", date="", address="", lines=list(digests))
    return Register(source=source, documents=documents), digests


def read_settings(reader: Reader, tests: dict[str, Any]) -> Settings:
    """The table [tests] of course.md."""
    path = reader.folder / "course.md"
    for name in tests.keys() - set(Settings.__struct_fields__):
        reader.report(path, f"[tests] has no setting {name}")
    try:
        settings = msgspec.convert(tests, Settings)
    except msgspec.ValidationError as fault:
        reader.report(path, f"[tests]: {fault}")
        return Settings()
    if not 0 < settings.pass_mark <= 1 or min(settings.questions, settings.final_questions) < 1:
        reader.report(path, "[tests]: pass_mark is a share of 1, and a test has questions")
    return settings


def read_module(reader: Reader, folder: Path, register: Register, figures: dict[str, str]) -> ModuleText | None:
    """The module in a folder, with its lessons."""
    path = folder / "module.md"
    page = reader.page(path, ModuleFile)
    files = sorted(folder.glob("[0-9]*-*.md"), key=lambda file: int(file.name.split("-")[0]))
    found = [read_lesson(reader, file, register, figures) for file in files]
    if page is None:
        return None
    front, intro, skipped = page
    reader.report_all(path, intro_problems(intro, register=register), offset=skipped)
    if front.code != folder.name:
        reader.report(path, f"code {front.code} is not the name of the folder")
    lessons = [lesson for lesson in found if lesson is not None]
    total = sum(lesson.minutes for lesson in lessons)
    if not files:
        reader.report(path, "a module has lessons")
    if front.minutes != total and len(lessons) == len(files):
        reader.report(path, f"minutes = {front.minutes}, but the lessons take {total}")
    return ModuleText(**msgspec.structs.asdict(front), intro=intro, lessons=lessons)


def read_lesson(reader: Reader, path: Path, register: Register, figures: dict[str, str]) -> LessonText | None:
    """The lesson in a file."""
    page = reader.page(path, LessonFile)
    if page is None:
        return None
    front, body, skipped = page
    code = f"{path.parent.name}-{path.name.split('-')[0]}"
    if front.code != code:
        reader.report(path, f"code {front.code}, but folder and file say {code}")
    found = problems(body, register=register, figures=figures, short=front.short)
    reader.report_all(path, found, offset=skipped)
    core = cited_in_core(body)
    if sorted(front.sources) != sorted(core):
        reader.report(path, f"sources must be exactly what the core cites: {core}")
    told = msgspec.structs.asdict(front)
    return LessonText(**{name: told[name] for name in told.keys() - {"sources", "short"}}, body=body)


def read_questions(folder: Path) -> dict[str, list[QuestionFile]]:
    """The questions of each module by its code. Raises `CourseBroken` with every rule they break."""
    reader = Reader(folder)
    register, _digests = read_register(reader)
    bank: dict[str, list[QuestionFile]] = {}
    for module in module_folders(folder):
        path = module / "questions.toml"
        table = reader.toml(path, dict[Literal["question"], list[QuestionFile]])
        questions = table["question"] if table else []
        lessons = {f"{module.name}-{file.name.split('-')[0]}" for file in module.glob("[0-9]*-*.md")}
        for question in questions:
            for rule in question_faults(question, module.name, lessons, register):
                reader.report(path, f"{question.code}: {rule}")
        for rule in bank_faults(questions):
            reader.report(path, rule)
        bank[module.name] = questions
    reader.done()
    return bank


def question_faults(question: QuestionFile, module: str, lessons: set[str], register: Register) -> Iterator[str]:
    """The rules a single question breaks."""
    known = {f"{register.source.key} {label}" for label in register.source.lines} | register.documents.keys()
    if not question.code.startswith(f"{module}-"):
        yield f"its code begins with {module}-"
    if question.lesson not in lessons:
        yield f"there is no lesson {question.lesson} in the module"
    for source in question.sources:
        if source not in known:
            yield f"{source} is neither a line of the source nor a document of register.toml"
    texts = [*question.options, *question.answers]
    if len({text.casefold() for text in texts}) < len(texts):
        yield "two of its options are the same"
    if any(CATCH_ALL.search(text) for text in question.options):
        yield "no option stands for all or none of the others"
    yield from SHAPES[question.kind](question)


def choice_faults(question: QuestionFile) -> Iterator[str]:
    """Single and multiple: four options, and the positions of the right ones."""
    fewest, most = (1, 1) if question.kind == "single" else (2, 3)
    if len(question.options) != 4 or question.answers:
        yield "it has four options and no answers"
    if not fewest <= len(set(question.key)) == len(question.key) <= most or not set(question.key) <= {1, 2, 3, 4}:
        yield f"its key holds {fewest} to {most} positions from 1 to 4"


def order_faults(question: QuestionFile) -> Iterator[str]:
    """Order: the parts stand in the right order, so there is no key."""
    if len(question.options) < 3 or question.answers or question.key:
        yield "it has three parts or more, in the right order, no answers and no key"


def match_faults(question: QuestionFile) -> Iterator[str]:
    """Match: as many answers as options, in the same order."""
    if len(question.options) < 3 or len(question.answers) != len(question.options) or question.key:
        yield "it has three options or more, as many answers, and no key"


SHAPES: dict[str, Callable[[QuestionFile], Iterator[str]]] = {
    "single": choice_faults,
    "multiple": choice_faults,
    "order": order_faults,
    "match": match_faults,
}


def bank_faults(questions: list[QuestionFile]) -> Iterator[str]:
    """The rules the questions of a module break together: nothing about their form may give the key away."""
    if len(questions) < FEWEST_QUESTIONS:
        yield f"a module has at least {FEWEST_QUESTIONS} questions, not {len(questions)}"
    if repeated := [code for code, times in Counter(one.code for one in questions).items() if times > 1]:
        yield f"codes are used twice: {', '.join(repeated)}"
    if len({one.topic for one in questions}) not in TOPICS:
        yield "a module has four to six topics"
    singles = [one for one in questions if one.kind == "single" and not [*choice_faults(one)]]
    positions = Counter(one.key[0] for one in singles)
    if max(positions.values(), default=0) - min(positions[place] for place in range(1, 5)) > 1:
        yield f"the key stands too often in one place: {dict(sorted(positions.items()))}"
    longest = [one for one in singles if is_longest(one)]
    if len(longest) * 2 > len(singles):
        yield f"the right option is the longest too often: {', '.join(one.code for one in longest)}"


def is_longest(question: QuestionFile) -> bool:
    """Whether the right option of a single question is longer than all others."""
    right = question.options[question.key[0] - 1]
    return all(len(option) < len(right) for option in question.options if option != right)
