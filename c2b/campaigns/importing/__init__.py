"""Catalogues in, whatever they look like.

One way for all of them: `reader` turns bytes into numbered rows, `formats` names their cells by the columns of our own format,
`assemble` makes checked candidates of them, `pictures` finds and re-encodes what they show, `write` brings the tables up to date.
"""

from c2b.campaigns.importing.findings import Finding, Findings
from c2b.campaigns.importing.formats import Format, Parsed, peek, read
from c2b.campaigns.importing.reader import Encoding, load

__all__ = ["Encoding", "Finding", "Findings", "Format", "Parsed", "load", "peek", "read"]
