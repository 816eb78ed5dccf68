"""What a file says of its candidates, once read: frozen rows between reading and writing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]
"""By own column; columns that the file lacks are absent."""


@dataclass(frozen=True)
class OptionIn:
    """One value of the first or second option; `position` is its place in the file."""

    axis: int
    position: int
    value: str
    values: Values


@dataclass(frozen=True)
class VariantIn:
    """One size/colour combination: the values of its two options (empty where it has none) and its columns."""

    row: int
    position: int
    options: tuple[str, str]
    sku: str
    """As the file gives it, or made of code and options where it gives none."""
    sku_given: bool
    values: Values


@dataclass(frozen=True)
class PictureIn:
    """A picture by file name or address, of the first option's value `shows` if that isn't empty."""

    source: str
    shows: str


@dataclass(frozen=True)
class CandidateIn:
    """A candidate; amounts are minor units of its campaign's currency."""

    row: int
    code: str
    values: Values
    offer: Values
    options: tuple[OptionIn, ...]
    variants: tuple[VariantIn, ...]
    pictures: tuple[PictureIn, ...]
