"""A picture of squares that telephones read."""

from io import BytesIO

import segno


def qr_svg(text: str) -> str:
    """An SVG drawing without any style of its own, to stand in a page."""
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawn,
        kind="svg",
        scale=5,
        border=4,
        dark="#000",
        light="#fff",
        xmldecl=False,
        svgns=True,
        omitsize=True,
        svgclass="qr",
        lineclass=None,
    )
    return drawn.getvalue().decode()
