"""What documents tell one to type exists: each `lms …` with its options, and each `make …`."""

import re
from pathlib import Path

import click

import wsgi
from lms import cli

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```|((?:^ {4}.*\n)+)", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
BEFORE = r"(?:^|[;&] *|# |[A-Z_]+=\S+ +)"
COMMAND = re.compile(rf"(?:{BEFORE}(?:lms|quan-triet)|/lms) ([a-z].*)")
MADE = re.compile(rf"{BEFORE}make ([a-z][\w-]*)")


def pieces(text: str) -> list[str]:
    """The lines of code of a page, those that go on joined, and what stands within a sentence."""
    blocks = ["".join(found).replace("\\\n", " ") for found in BLOCK.findall(text)]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    sentences = [BLOCK.sub("", text), *(line for line in lines if "`" in line)]  # a list that goes on is no code
    return [line for line in lines if "`" not in line] + [one for text in sentences for one in INLINE.findall(text)]


def told(pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """The page and what follows the name of the program; a remark behind it is left out."""
    return [
        (page.name, found[1].replace("\\|", "|").partition(" # ")[0])
        for page in PAGES
        for piece in pieces(page.read_text())
        if (found := pattern.search(piece)) is not None
    ]


def meant(group: click.Command, words: list[str]) -> list[click.Command]:
    """The commands a line names: `pause|resume` are two, `…` leaves it open. Empty where one of them does not exist."""
    if not isinstance(group, click.Group) or words[:1] == ["…"]:
        return [group]
    if not words:
        return []
    found = [group.commands.get(one) for one in words[0].split("|")]
    return [end for one in found for end in (meant(one, words[1:]) if one is not None else [])] if all(found) else []


def faults(command: click.Group, line: str) -> list[str]:
    """What of this line does not exist."""
    ends = meant(command, line.split())
    if not ends:
        return [f"no such command: {line}"]
    known = {name for one in ends for option in one.params for name in (*option.opts, *option.secondary_opts)}
    return [
        f"{option} is no option of: {line}"
        for option in re.findall(r"(?<!\S)\[?(--[a-z-]+)", line)
        if option not in known
    ]


def test_every_command_of_the_product_that_a_page_tells_exists_with_its_options() -> None:
    command = cli.build(wsgi.PACKAGES, {})
    lines = told(COMMAND)
    assert len({page for page, _line in lines}) >= 6
    assert [(page, fault) for page, line in lines for fault in faults(command, line)] == []


def test_what_does_not_exist_is_found() -> None:
    command = cli.build(wsgi.PACKAGES, {})
    assert isinstance(command, click.Group)
    assert faults(command, "xapi forward pause|resume TARGET") == []
    assert faults(command, "xapi forward pause|rest TARGET") == ["no such command: xapi forward pause|rest TARGET"]
    assert faults(command, "xapi export [--since TIME] [--zip] F") == [
        "--zip is no option of: xapi export [--since TIME] [--zip] F"
    ]


def test_every_target_of_make_that_a_page_tells_exists() -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {line for _page, line in told(MADE)} <= targets
