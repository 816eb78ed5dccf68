"""QR codes, drawn by the server into the page itself."""

import segno


def code_of(address: str) -> str:
    """Return the code for `address` as the source of a picture; nothing is asked for, and nothing of it stands in a log."""
    return str(segno.make(address, error="m", micro=False).svg_data_uri(border=4, dark="#000", light="#fff"))
