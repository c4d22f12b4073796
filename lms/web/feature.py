"""A blueprint for one feature folder: its templates answer to the feature's name."""

from functools import cached_property
from pathlib import Path

from flask import Blueprint
from jinja2 import BaseLoader, FileSystemLoader, PrefixLoader


class Feature(Blueprint):
    """`render_template("learning/home.html")` is `courses/learning/templates/home.html`.

    Files in the feature's `static/` are served under `/static/NAME/` by `lms.serving`, not by Flask. On its pages the
    menu marks the entry of the feature `within`, when it has none of its own.
    """

    def __init__(self, name: str, import_name: str, *, url_prefix: str | None = None, within: str = "") -> None:
        super().__init__(name, import_name, url_prefix=url_prefix)
        self.within = within or name

    @cached_property
    def jinja_loader(self) -> BaseLoader:
        return PrefixLoader({self.name: FileSystemLoader(Path(self.root_path) / "templates")})

    @property
    def assets(self) -> Path | None:
        """The folder of the feature's static files, when it has one."""
        folder = Path(self.root_path) / "static"
        return folder if folder.is_dir() else None
