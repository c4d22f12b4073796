"""What somebody takes along of their data: one file, in which programs and people both can read."""

import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from lms.doors import OwnData


def as_json(parts: Sequence[OwnData], *, taken_at: datetime) -> str:
    """Every part by its code, each a list of rows by the codes of their columns."""
    told: dict[str, Any] = {"taken_at": taken_at}
    for part in parts:
        told[part.code] = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    return json.dumps(told, ensure_ascii=False, indent=1, default=plain)


def plain(value: object) -> str:
    """Days and moments as ISO 8601 has them."""
    return value.isoformat() if isinstance(value, date) else str(value)


def archive(page: str, data: str, statements: Iterable[bytes]) -> bytes:
    """A zip of the page, the same as JSON, and the statements one a line: a hundred bytes each once they are packed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("du-lieu-cua-toi.html", page)
        zipped.writestr("du-lieu-cua-toi.json", data)
        with zipped.open("nhat-ky-hoc-tap.jsonl", "w") as lines:
            for body in statements:
                lines.write(body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
    return file.getvalue()
