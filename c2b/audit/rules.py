"""Who acts, and who may agree: pure."""


def is_staff(actor: str) -> bool:
    """Tell whether `actor` is a signed-in member of staff; the command line and the worker are nobody's second person."""
    return actor.startswith("staff:")
