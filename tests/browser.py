"""A browser without JavaScript: it fetches pages, finds their forms, fills them in and sends them as they stand.

Tests that use it cannot forget a token, invent a field or post to an address no page leads to.
"""

import io
import re
import zipfile
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

from flask import Flask
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

ORIGIN = "http://localhost"
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)


@dataclass
class FoundForm:
    """A form of a page: where it goes, how, and what it holds as served."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    text: str = ""


class FormReader(HTMLParser):
    """Collects the forms of a page with the values a browser would send unchanged."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[FoundForm] = []
        self._form: FoundForm | None = None
        self._area: str | None = None
        self._select: str | None = None
        self._select_values: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = FoundForm(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._form)
        elif self._form is not None and tag == "input":
            self._input(self._form, given)
        elif self._form is not None and tag == "textarea":
            self._area = given.get("name")
            self._form.names.add(given.get("name", ""))
            self._form.fields.append((given.get("name", ""), ""))
        elif self._form is not None and tag == "select":
            self._select, self._select_values = given.get("name"), []
            self._form.names.add(given.get("name", ""))
        elif self._form is not None and tag == "button" and "name" in given:
            self._form.names.add(given["name"])  # sent only when pressed: say which with submit(name=value)
        elif tag == "option" and self._select is not None:
            self._select_values.append((given.get("value", ""), "selected" in given))

    def _input(self, form: FoundForm, given: dict[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text")
        form.names.add(name)
        if kind in {"checkbox", "radio"} and "checked" not in given:
            return
        if name and kind not in {"submit", "button", "file"}:
            form.fields.append((name, given.get("value", "on" if kind == "checkbox" else "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select" and self._select is not None and self._form is not None:
            values = [value for value, on in self._select_values if on] or [v for v, _ in self._select_values[:1]]
            self._form.fields.extend((self._select, value) for value in values)
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._form is None:
            return
        self._form.text += data
        if self._area is not None:
            name, value = self._form.fields[-1]
            # a browser drops the first line break after <textarea>, and knows no others than \n
            data = data.replace("\r\n", "\n")
            self._form.fields[-1] = (name, value + (data[1:] if not value and data.startswith("\n") else data))


class Browser:
    """One person's browser, with its cookies. Follows redirects; remembers the page it is on."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.path = "/"
        self.page: TestResponse | None = None

    def get(self, path: str, *, follow: bool = True, **kwargs: object) -> TestResponse:
        """Open a path of the site."""
        return self._remember(self.client.get(path, follow_redirects=follow, **kwargs))

    def post(self, path: str, *, follow: bool = True, **kwargs: object) -> TestResponse:
        """Send something no form of a page sent; for tests of what must be refused."""
        return self._remember(self.client.post(path, follow_redirects=follow, **kwargs))

    @property
    def text(self) -> str:
        """The page as served."""
        assert self.page is not None
        return self.page.text

    @property
    def forms(self) -> list[FoundForm]:
        """The forms of the page."""
        reader = FormReader()
        for form in FORM.findall(self.text):  # the rest of a page is long, and holds none
            reader.feed(form)
        return reader.forms

    def form(self, where: str) -> FoundForm:
        """The form whose address or text contains `where`."""
        found = [one for one in self.forms if where in (one.action or self.path) or where in one.text]
        assert found, f"no form {where!r} on {self.path}; there are {[one.action for one in self.forms]}"
        return found[0]

    def submit(self, where: str = "", *, follow: bool = True, **changes: str | list[str]) -> TestResponse:
        """Fill in and send the form whose address or text contains `where`. A name the form lacks is a mistake."""
        form = self.form(where)
        unknown = set(changes) - form.names
        assert not unknown, f"the form has no field {unknown}; it has {form.names}"
        data: dict[str, list[str]] = {}
        for name, value in form.fields:
            data.setdefault(name, []).append(value)
        for name, new in changes.items():
            data[name] = new if isinstance(new, list) else [new]
        target = urljoin(ORIGIN + self.path, form.action or self.path)
        path = target.removeprefix(ORIGIN)
        if form.method == "get":
            return self.get(path, query_string=data, follow=follow)
        return self.post(path, data=data, headers={"Origin": ORIGIN}, follow=follow)

    def _remember(self, response: TestResponse) -> TestResponse:
        self.page = response
        self.path = response.request.full_path.rstrip("?")
        return response


def text_of(answer: Response) -> str:
    """What an answer says, also where it is an archive of files."""
    content = answer.get_data()
    if not content.startswith(b"PK"):
        return content.decode(errors="replace")
    files = zipfile.ZipFile(io.BytesIO(content))
    return "".join(files.read(name).decode() for name in files.namelist())
