"""What a campaign may do when: its states, its instants, and what each write checks."""

import enum


class CampaignState(enum.StrEnum):
    """The life of a campaign, in order; `cancelled` is reachable before `decided`."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    VOTING = "voting"
    TALLY = "tally"
    SELECTED = "selected"
    ORDERING = "ordering"
    SETTLING = "settling"
    DECIDED = "decided"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class LegalProfile(enum.StrEnum):
    """Which law's caps, texts and forfeits hold."""

    CN_DINGJIN = "CN_DINGJIN"
    CN_PREPAY = "CN_PREPAY"
    EU = "EU"
    US = "US"
    GENERIC = "GENERIC"
