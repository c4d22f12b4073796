"""The words of the pages: Vietnamese in the code, English beside it in one catalogue that is read as it is written.

The catalogue is the `.po` file that a translator edits; no compiled copy can fall behind it.
"""

from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask_babel import Domain, get_locale

TRANSLATIONS = Path(__file__).resolve().parent / "translations"
PACKAGES = ("lms", "courses", "assessments", "analytics")
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2)}


class Catalogues(Domain):  # type: ignore[misc]  # Flask-Babel carries no types
    """Flask-Babel's look-up, fed from the `.po` files. A language without a catalogue shows the words of the code."""

    def get_translations(self) -> NullTranslations:
        """The translations for the language of this request."""
        locale = get_locale()
        return translations(locale.language) if locale is not None else NullTranslations()


@cache
def translations(language: str) -> NullTranslations:
    """All translations of a language."""
    path = TRANSLATIONS / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(compiled)


def catalogue(language: str) -> Catalog:
    """The catalogue as a translator sees it."""
    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def messages(root: Path) -> Iterator[tuple[str, str, int]]:
    """Every text of the code and the templates that asks to be translated, with file and line."""
    for package in PACKAGES:
        found = extract_from_dir(
            str(root / package),
            method_map=[("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")],
            options_map={"**/templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}},
            keywords=KEYWORDS,
        )
        for file, line, message, _comments, _context in found:
            for text in (message,) if isinstance(message, str) else message:
                yield text, f"{package}/{file}", line
