"""The campaign's books: one row a transfer; beside it its accounts, its trial balance and what is held for each order."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits.finance import customers_money
from c2b.exports.sheet import About, Cell, Column, Rows, Sheet, stream
from c2b.ledger.models import Transfer
from c2b.ledger.queries import short_balance
from c2b.ledger.rules import Group, group

COLUMNS = (
    Column("id", "编号"),
    Column("at", "时间", Cell.INSTANT),
    Column("event", "事项"),
    Column("debit", "借方"),
    Column("credit", "贷方"),
    Column("amount", "金额", Cell.MONEY, total=True),
    Column("currency", "币种"),
)
_ACCOUNTS = (Column("account", "科目"), Column("opened_at", "开户时间", Cell.INSTANT))
_TRIAL = (
    Column("account", "科目"),
    Column("code", "科目代码"),
    Column("debits", "借方发生额", Cell.MONEY, total=True),
    Column("credits", "贷方发生额", Cell.MONEY, total=True),
    Column("balance_debit", "借方余额", Cell.MONEY, total=True),
    Column("balance_credit", "贷方余额", Cell.MONEY, total=True),
)
_CUSTOMERS = (
    Column("order", "订单"),
    Column("placed_at", "下单时间", Cell.INSTANT),
    Column("held", "代管", Cell.MONEY, total=True),
    Column("shipping", "预收运费", Cell.MONEY, total=True),
    Column("on_its_way_back", "退回中", Cell.MONEY, total=True),
    Column("owed", "欠顾客", Cell.MONEY, total=True),
)
ACCOUNTS: Mapping[Group, tuple[str, str]] = {
    Group.GATEWAYS: ("支付渠道存款", "At gateways"),
    Group.BANK: ("银行存款", "At the bank"),
    Group.DEPOSITS: ("代管的定金和尾款", "Deposits and balances held"),
    Group.SHIPPING_HELD: ("预收的运费", "Shipping paid in advance"),
    Group.RETURNING: ("退回中", "On its way back"),
    Group.OWED: ("欠顾客", "Owed to customers"),
    Group.SUSPENSE: ("待查款项", "Suspense"),
    Group.REVENUE: ("收入", "Revenue"),
    Group.SHIPPING: ("运费收入", "Shipping earned"),
    Group.FORFEITS: ("没收的定金", "Forfeited deposits"),
    Group.FEES: ("手续费", "Gateway fees"),
    Group.PENALTIES: ("违约金支出", "Penalties"),
    Group.OTHER: ("其他", "Other"),
}
"""What accountants call each kind of account, in Chinese and English."""
EVENTS: Mapping[str, tuple[str, str]] = {
    "captured": ("收到定金或尾款", "Deposit or balance captured"),
    "shipping_captured": ("收到运费", "Shipping captured"),
    "refund_begun": ("开始退款", "Refund begun"),
    "refund_settled": ("退款到账", "Refund settled"),
    "refund_refused": ("退款被拒", "Refund refused"),
    "refund_bounced": ("退款被退回", "Refund bounced"),
    "shipping_returned": ("退还运费", "Shipping returned"),
    "paid_by_hand": ("人工付出", "Paid out by hand"),
    "handed_over": ("交货，确认收入", "Goods handed over"),
    "forfeited": ("没收定金", "Deposit forfeited"),
    "penalty": ("违约金", "Seller's penalty"),
    "paid_late": ("付晚了", "Paid late"),
    "overpaid": ("多付了", "Paid too much"),
    "cancelled": ("取消后到账", "Paid after it was cancelled"),
    "unmatched": ("来历不明，待查", "Unmatched, in suspense"),
    "matched": ("查明来历", "Found to be ours"),
    "chargeback": ("被银行收回", "Chargeback"),
    "chargeback_won": ("争议胜诉退回", "Chargeback won"),
    "fee": ("手续费", "Gateway fee"),
    "fee_returned": ("手续费退回", "Gateway fee returned"),
    "payout": ("打款到银行", "Payout to the bank"),
    "payout_returned": ("打款被退回", "Payout returned"),
}
"""What happened, in Chinese and English; an event without words here is shown by its own name."""


def sheet(session: Session, campaign: Campaign, about: About) -> Sheet:
    """Return all transfers of the campaign, oldest first; beside them its accounts, its trial balance, and customers' money by order."""
    of_campaign = Transfer.campaign == campaign.slug
    columns = (Transfer.id, Transfer.at, Transfer.event, Transfer.debit, Transfer.credit, Transfer.amount, Transfer.currency)
    statement = select(*columns).where(of_campaign).order_by(Transfer.at, Transfer.id)
    sides = union_all(
        *(select(side.label("account"), Transfer.at.label("at")).where(of_campaign) for side in (Transfer.debit, Transfer.credit))
    )
    used = sides.subquery()
    accounts = select(used.c.account, func.min(used.c.at)).group_by(used.c.account).order_by(used.c.account)
    beside = (
        Sheet("accounts", "", _ACCOUNTS, stream(session, accounts), about),
        Sheet("trial_balance", about.word("试算平衡表", "Trial balance"), _TRIAL, _trial(session, campaign, about), about),
        Sheet("customers", about.word("顾客的钱", "Held for customers"), _CUSTOMERS, stream(session, customers_money(campaign.id)), about),
    )
    return Sheet("ledger", about.word("账本", "Ledger"), COLUMNS, stream(session, statement), about, beside=beside)


def readable(row: Any, about: About) -> list[Any]:
    """Return a transfer with its event and the kinds of its accounts in the file's language."""
    key, at, event, debit, credit, amount, currency = row
    word = about.word(*EVENTS[event]) if event in EVENTS else event
    return [at, word, account_name(debit, about), account_name(credit, about), amount, currency, debit, credit, key]


def account_name(account: str, about: About) -> str:
    """Return what accountants call an account."""
    return about.word(*ACCOUNTS[group(account)])


def _trial(session: Session, campaign: Campaign, about: About) -> Rows:
    """Yield the accounts as accountants order them: where the money is, whose it is, what was earned and spent."""
    order = list(Group)
    books = short_balance(session, campaign=campaign.slug)
    for each in sorted(books, key=lambda balance: (order.index(group(balance.account)), balance.account)):
        left = each.left
        yield account_name(each.account, about), each.account, each.debits, each.credits, max(-left, 0) or None, max(left, 0) or None
