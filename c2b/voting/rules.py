"""Decisions about ballots and the selection: pure."""

import enum


class BallotSource(enum.StrEnum):
    """Where a ballot comes from; a draft is a guest's and never counts."""

    DRAFT = "draft"
    VERIFIED = "verified"
    STORE = "store"
    IMPORTED = "imported"


class SelectionResult(enum.StrEnum):
    """What became of a candidate in the vote."""

    SELECTED = "selected"
    NOT_SELECTED = "not_selected"
    WITHDRAWN = "withdrawn"
