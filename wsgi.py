"""The composition root: the one file that knows every package.

gunicorn wsgi:app
lms --help
"""

import gc
import os

from flask import Flask

from analytics import app as analytics
from assessments import app as assessments
from courses import app as courses
from lms import cli
from lms.app import create_app
from lms.config import Config

PACKAGES = (courses, assessments, analytics)


def __getattr__(name: str) -> Flask:
    """`wsgi.app`, made when a server asks for it: `lms --help` must not need a configured product."""
    if name != "app":
        raise AttributeError(name)
    app = create_app(Config.from_environment(os.environ), PACKAGES)
    globals()["app"] = app
    begin_to_serve()
    return app


def begin_to_serve() -> None:
    """All is loaded: from now on garbage is looked for among what requests leave behind, and seldom."""
    gc.collect()
    gc.freeze()  # what was loaded stays as long as the process: whoever looks for garbage need not look through it
    gc.set_threshold(20_000, 20, 20)  # a batch of statements is thousands of values, none of them in a circle


def main() -> None:
    """The console command."""
    cli.build(PACKAGES)()
