"""Documents of JSON: whether the text is one, and one laid over another.

Sections are those of IEEE 9274.1.1, then, after a slash, of xAPI 1.0.3 (Comm = part three).
"""

import msgspec

from lms.documents.rules import Contents
from lms.xapi.loader import read_json
from lms.xapi.rules import Malformed
from lms.xapi.statement import decode_properties


def merged(kept: Contents, given: Contents) -> Contents:
    """One object with the properties of both, of which those given win, one level deep (4.1.6 / Comm 2.2).

    Both must say that they are JSON and be objects, or the request is wrong. Each value keeps its bytes.
    """
    if not given.is_json:
        raise Malformed("Content-Type", "expected application/json, to be merged with the document that stands")
    if not kept.is_json:
        raise Malformed("Content-Type", f"the document that stands is {kept.content_type}: nothing merges with it")
    before, after = (properties(one, path) for one, path in ((kept, "document"), (given, "body")))
    return Contents(kept.content_type, msgspec.json.encode({**before, **after}))


def properties(contents: Contents, path: str) -> dict[str, msgspec.Raw]:
    """The properties of a JSON object, unread; raises `Malformed` for anything else."""
    if not isinstance(read_json(contents.body, path), dict):
        raise Malformed(path, "expected a JSON object, since documents are merged")
    return decode_properties(contents.body)


def check_text(contents: Contents) -> None:
    """What says that it is JSON can be read as such (Comm 2.3)."""
    if contents.is_json:
        read_json(contents.body, "body")
