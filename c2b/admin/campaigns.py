"""The list of campaigns, where staff arrive."""

from c2b.admin.blueprint import bp
from c2b.admin.page import show
from c2b.campaigns import queries
from c2b.ui.shell import reading, staff_required


@bp.get("/")
@staff_required()
def campaigns() -> str:
    """List all campaigns, the newest first."""
    with reading() as session:
        return show("campaigns.html", here="campaigns", campaigns=queries.campaigns(session))
