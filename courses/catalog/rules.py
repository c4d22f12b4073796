"""What a version of a course contains, as typed values, and the rules its text keeps. Pure.

One scanner of blocks (`scan`) serves the rules and the renderer alike, so that what is checked is what is shown.
`docs/course-format.md` is these rules in words.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, Literal

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a course is tested. Shown to the learner; part of every version.

    `counts`: whether every module's own test counts or one final test. `attempt`: which attempt counts.
    `pass_mark` is a share of the score (0.7 is shown as 7 on the scale of 10). `max_attempts` and minutes: 0 is
    no limit.
    """

    counts: Literal["modules", "final"] = "modules"
    attempt: Literal["best", "last", "first"] = "best"
    max_attempts: int = 0
    pass_mark: float = 0.7
    questions: int = 6
    final_questions: int = 20
    minutes: int = 15
    final_minutes: int = 40


class OutlineLesson(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson in the outline of a version."""

    activity_id: int
    code: str
    title: str
    title_en: str
    minutes: int


class OutlineTest(msgspec.Struct, frozen=True, kw_only=True):
    """A test in the outline of a version; `required` says whether it counts towards completion."""

    activity_id: int
    code: str
    required: bool


class OutlineModule(msgspec.Struct, frozen=True, kw_only=True):
    """A module in the outline, with the version of it that this version of the course contains."""

    module_id: int
    module_version_id: int
    code: str
    number: int
    title: str
    title_en: str
    minutes: int
    lessons: list[OutlineLesson]
    test: OutlineTest


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a page needs to know of a version of a course, in the order in which it is studied."""

    modules: list[OutlineModule]
    final: OutlineTest

    def lessons(self) -> list[OutlineLesson]:
        """All lessons, in order."""
        return [lesson for module in self.modules for lesson in module.lessons]

    def tests(self) -> list[OutlineTest]:
        """All tests, in order: the modules' own, then the final one."""
        return [*(module.test for module in self.modules), self.final]

    def required_tests(self) -> list[OutlineTest]:
        """The tests without which the course is not completed."""
        return [test for test in self.tests() if test.required]

    def module_of(self, lesson_code: str) -> OutlineModule:
        """The module a lesson belongs to; KeyError when the version has no such lesson."""
        for module in self.modules:
            if any(lesson.code == lesson_code for lesson in module.lessons):
                return module
        raise KeyError(lesson_code)


def outline_of(document: dict[str, Any]) -> Outline:
    """The outline kept with a course version."""
    return msgspec.convert(document, Outline)


def settings_of(document: dict[str, Any]) -> Settings:
    """The settings kept with a course version."""
    return msgspec.convert(document, Settings)


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document cited beside the source article. `confidence`: see docs/course-format.md."""

    title: str
    issued: str
    address: str
    confidence: Literal["A", "B", "C"]
    note: str


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The article the core of a course rests on, and the labels of its lines."""

    key: str
    title: str
    publisher: str
    date: str
    address: str
    lines: list[str]


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the lessons of a course may cite."""

    source: Source
    documents: dict[str, Document]


def register_of(document: dict[str, Any]) -> Register:
    """The register kept with a course version."""
    return msgspec.convert(document, Register)


class LessonText(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson as it is written."""

    code: str
    title: str
    title_en: str
    minutes: int
    objectives: list[str]
    action: str
    body: str


class ModuleText(msgspec.Struct, frozen=True, kw_only=True):
    """A module as it is written."""

    code: str
    title: str
    title_en: str
    minutes: int
    objectives: list[str]
    intro: str
    lessons: list[LessonText]


class CourseText(msgspec.Struct, frozen=True, kw_only=True):
    """What a version of a course says beside its modules."""

    title: str
    title_en: str
    summary: str
    summary_en: str
    intro: str
    settings: Settings
    register: Register


FEWEST_WORDS, MOST_WORDS = 250, 600
ANSWER = "**Trả lời mẫu.**"
KINDS = ("practice", "extension", "figure")

CITATION = re.compile(r"\[([A-Z][A-Z0-9-]{0,19}) (L[0-9]{1,4}(?:, L[0-9]{1,4})*)\]")
QUOTATION = re.compile(r"“([^“”]*)”")
FENCE = re.compile(r"^:::+[ \t]*(?P<kind>\S*)[ \t]*(?P<argument>.*?)[ \t]*$")
FORBIDDEN = {
    "heading": re.compile(r"^ {0,3}(?:#|#{4,})(?:\s|$)", re.MULTILINE),
    "html": re.compile(r"<[a-z!/?]", re.IGNORECASE),
    "link": re.compile(r"\]\(|^ {0,3}\[[^\]\n]+\]:|https?:|\bwww\.", re.IGNORECASE | re.MULTILINE),
    "invisible": re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"),
}
ADVICE = frozenset({"words_few", "words_many", "practice_count", "practice_answer", "quotation"})
"""Rules of good lessons: the built-in courses keep them, a trainer is only told. All other rules must be kept."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that a text breaks, the line of the text (0: the whole) and what was found there."""

    rule: str
    line: int = 0
    found: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the text may not be published like this."""
        return self.rule not in ADVICE


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a lesson: `core` text, or a marked block with its argument. `line` is where `text` begins."""

    kind: str
    argument: str
    line: int
    text: str


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """The blocks of a text in order, and what is wrong with the marks between them."""

    blocks: list[Block]
    problems: list[Problem]

    def of(self, *kinds: str) -> list[Block]:
        """The blocks of these kinds."""
        return [block for block in self.blocks if block.kind in kinds]


def scan(body: str) -> Scan:
    """Take a lesson apart at its `:::` marks. A text with wrong marks is taken apart as well as can be."""
    blocks: list[Block] = []
    problems: list[Problem] = []
    kind, argument, start, kept = "core", "", 1, list[str]()

    def close(next_kind: str, next_argument: str, at: int) -> None:
        nonlocal kind, argument, start, kept
        if kind != "core" or any(line.strip() for line in kept):
            blocks.append(Block(kind=kind, argument=argument, line=start, text="\n".join(kept)))
        kind, argument, start, kept = next_kind, next_argument, at, []

    for number, line in enumerate(body.split("\n"), 1):
        mark = FENCE.match(line)
        if mark is None:
            kept.append(line)
            continue
        if mark["kind"] and kind != "core":
            problems.append(Problem(rule="block_unclosed", line=start - 1, found=kind))
        if mark["kind"] and mark["kind"] not in KINDS:
            problems.append(Problem(rule="block_unknown", line=number, found=mark["kind"]))
        if not mark["kind"] and kind == "core":
            problems.append(Problem(rule="block_end", line=number))
        close(mark["kind"] or "core", mark["argument"], number + 1)
    if kind != "core":
        problems.append(Problem(rule="block_unclosed", line=start - 1, found=kind))
    close("core", "", 0)
    return Scan(blocks=blocks, problems=problems)


def cited(text: str) -> list[str]:
    """Every line the text cites, as `TQ-2022 L16`, once each, in the order of the lines."""
    found = {(key, label) for key, labels in CITATION.findall(text) for label in labels.split(", ")}
    return [f"{key} {label}" for key, label in sorted(found, key=lambda one: (one[0], int(one[1][1:])))]


def cited_in_core(body: str) -> list[str]:
    """What the core of a lesson cites: its sources. Captions of drawings belong to the core."""
    return cited("\n".join(block.text for block in scan(body).of("core", "figure")))


def words(body: str) -> int:
    """The words of a lesson as a reader counts them: marks and citations are none."""
    text = "\n".join(block.text for block in scan(body).blocks)
    return len([word for word in re.split(r"[\s|]+", CITATION.sub("", text)) if re.search(r"\w", word)])


def problems(body: str, *, register: Register, figures: Collection[str], short: bool = False) -> list[Problem]:
    """Every rule the body of a lesson breaks, from top to bottom. `short`: the source has little to say."""
    scanned = scan(body)
    found = [
        *scanned.problems,
        *forbidden(body),
        *citation_problems(scanned, register.source),
        *quotation_problems(scanned),
        *practice_problems(scanned),
        *extension_problems(scanned, register),
        *figure_problems(scanned, figures),
    ]
    count = words(body)
    if count < FEWEST_WORDS and not short:
        found.append(Problem(rule="words_few", found=str(count)))
    if count > MOST_WORDS:
        found.append(Problem(rule="words_many", found=str(count)))
    return sorted(found, key=lambda problem: problem.line)


def intro_problems(text: str, *, register: Register) -> list[Problem]:
    """Every rule an introduction breaks: it has no blocks."""
    scanned = scan(text)
    blocks = [Problem(rule="block_unknown", line=block.line - 1, found=block.kind) for block in scanned.of(*KINDS)]
    return [*scanned.problems, *blocks, *forbidden(text), *citation_problems(scanned, register.source)]


def forbidden(text: str) -> Iterator[Problem]:
    """Markup that does not belong in a lesson: the first of each kind on a line."""
    for rule, pattern in FORBIDDEN.items():
        seen = 0
        for match in pattern.finditer(text):
            line = line_at(text, match.start())
            if line != seen:
                yield Problem(rule=rule, line=line, found=rest_of_line(text, match.start()))
            seen = line


def citation_problems(scanned: Scan, source: Source) -> Iterator[Problem]:
    """Citations must be well formed, name a line there is, and stand in the core."""
    mark = re.compile(rf"\[\s*{re.escape(source.key)}\b[^\]\n]*\]?")
    for block in scanned.blocks:
        for match in mark.finditer(block.text):
            line = block.line + line_at(block.text, match.start()) - 1
            whole = CITATION.fullmatch(match[0])
            if whole is None:
                yield Problem(rule="citation_form", line=line, found=match[0])
                continue
            for label in whole[2].split(", "):
                if label not in source.lines:
                    yield Problem(rule="citation_unknown", line=line, found=label)
            if block.kind in ("practice", "extension"):
                yield Problem(rule="citation_place", line=line, found=match[0])


def quotation_problems(scanned: Scan) -> Iterator[Problem]:
    """A quotation is followed by its citation within the paragraph."""
    for block in scanned.blocks:
        for match in QUOTATION.finditer(block.text):
            paragraph = block.text[match.end() :].split("\n\n", 1)[0]
            if CITATION.search(paragraph) is None:
                line = block.line + line_at(block.text, match.start()) - 1
                yield Problem(rule="quotation", line=line, found=match[0])


def practice_problems(scanned: Scan) -> Iterator[Problem]:
    """One practice block, with a title and a model answer."""
    practices = scanned.of("practice")
    if len(practices) != 1:
        yield Problem(rule="practice_count", found=str(len(practices)))
    for block in practices:
        if not block.argument:
            yield Problem(rule="practice_title", line=block.line - 1)
        if not any(line.startswith(ANSWER) for line in block.text.split("\n")):
            yield Problem(rule="practice_answer", line=block.line - 1)


def extension_problems(scanned: Scan, register: Register) -> Iterator[Problem]:
    """An extension names a document of the register."""
    for block in scanned.of("extension"):
        if block.argument not in register.documents:
            yield Problem(rule="extension_unknown", line=block.line - 1, found=block.argument)


def figure_problems(scanned: Scan, figures: Collection[str]) -> Iterator[Problem]:
    """A drawing is one of the course, has a caption, and is shown once."""
    shown: set[str] = set()
    for block in scanned.of("figure"):
        name, line = block.argument, block.line - 1
        if name not in figures:
            yield Problem(rule="figure_unknown", line=line, found=name)
        if not block.text.strip():
            yield Problem(rule="figure_caption", line=line, found=name)
        if name in shown:
            yield Problem(rule="figure_twice", line=line, found=name)
        shown.add(name)


def line_at(text: str, position: int) -> int:
    """The line, from 1, on which a position of the text stands."""
    return text.count("\n", 0, position) + 1


def rest_of_line(text: str, position: int) -> str:
    """What stands from the position to the end of its line, at most forty characters."""
    return text[position:].split("\n", 1)[0][:40]
