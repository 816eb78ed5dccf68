"""Who may do what, and what makes an address the same address."""

import enum


class AddressKind(enum.StrEnum):
    """What a campaign may take as its anchor identity."""

    EMAIL = "email"
    PHONE = "phone"
    WECHAT = "wechat"


class Role(enum.StrEnum):
    """What a member of staff may do; see people/rules.py for the permissions."""

    OWNER = "owner"
    MANAGER = "manager"
    MERCHANDISER = "merchandiser"
    FINANCE = "finance"
    SUPPORT = "support"
    ASSISTANT = "assistant"
    AUDITOR = "auditor"
