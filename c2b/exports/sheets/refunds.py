"""Money on its way back: one row a refund line."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.deposits.models import Order, OrderLine, RefundLine
from c2b.exports.sheet import About, Cell, Column, Sheet, stream
from c2b.payments.models import Payment, Refund
from c2b.production.models import Decision

COLUMNS = (
    Column("refund", "退款"),
    Column("payment", "付款"),
    Column("order", "订单"),
    Column("line", "订单行", Cell.INTEGER),
    Column("candidate_code", "款号"),
    Column("amount", "金额", Cell.MONEY, total=True),
    Column("currency", "币种"),
    Column("reason", "原因"),
    Column("state", "状态"),
    Column("queued_at", "提交时间", Cell.INSTANT),
    Column("settled_at", "到账时间", Cell.INSTANT),
    Column("gateway", "支付渠道"),
    Column("gateway_reference", "渠道流水号"),
)


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return the lines of all refunds, oldest first; a refund is one call per payment and carries lines."""
    statement = (
        select(
            *(Refund.key, Payment.key, Order.ref, RefundLine.line_id, Candidate.code, RefundLine.amount, Payment.currency),
            *(RefundLine.reason, Refund.state, Refund.queued_at, Refund.settled_at, Payment.gateway, Refund.provider_reference),
        )
        .join(Refund, Refund.id == RefundLine.refund_id)
        .join(Payment, Payment.id == Refund.payment_id)
        .join(Order, Order.id == RefundLine.order_id)
        .outerjoin(OrderLine, OrderLine.id == RefundLine.line_id)
        .outerjoin(Candidate, Candidate.id == OrderLine.candidate_id)
        .where(Order.campaign_id == campaign.id)
        .order_by(RefundLine.id)
    )
    decided = session.get(Decision, campaign.id)
    run = decided.input_hash if decided else ""
    return Sheet("refunds", about.word("退款", "Refunds"), COLUMNS, stream(session, statement), about, run)
