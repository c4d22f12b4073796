"""A picture of squares that telephones read."""

import segno


def qr_address(text: str, *, scale: int = 5) -> str:
    """An SVG drawing as the address of a picture (data:), so that no page takes markup from here."""
    drawn = segno.make(text, error="m", micro=False)
    return str(drawn.svg_data_uri(scale=scale, border=4, dark="#000", light="#fff", encode_minimal=True))
