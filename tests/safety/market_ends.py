"""How a campaign ends in the model: cancelled, withdrawn, decided, unpaid, undelivered. Each answers whether it is allowed."""

from collections.abc import Iterable
from datetime import timedelta

from tests.safety.market import Market
from tests.safety.market_facts import BANK, FORFEIT, OPEN, PAUSE, PENALTY, UNHEARD, Debt, Line, Payment, Refund


def cancel(market: Market, numbers: Iterable[int]) -> bool:
    """Cancel lines for their customer; what may be paid without our knowing waits for the answer."""
    if market.state != "ordering" or market.now >= market.rules.ends:
        return False
    wanted = set(numbers)
    unheard = {debt.line for payment in market.payments.values() if payment.state in UNHEARD for debt in payment.debts} & wanted
    for number in unheard:
        market.lines[number].asked = True
    market.end(wanted - unheard)
    return True


def cancel_order(market: Market, ref: str) -> bool:
    """Cancel what still stands of an order; where nothing does, that is no mistake."""
    mine = market.of(ref)
    return cancel(market, mine) if any(line.outcome == "open" for line in mine.values()) else True


def cancel_line(market: Market, number: int) -> bool:
    return market.lines[number].outcome == "cancelled" or cancel(market, [number])


def withdraw(market: Market, code: str) -> bool:
    """Take a product out: its votes go back while voting is open, its money always."""
    if code in market.withdrawn:
        return True
    if market.state in ("decided", "cancelled"):
        return False
    market.withdrawn.add(code)
    if market.state == "voting" and market.now < market.rules.closes:
        market.picks = {person: mine - {code} for person, mine in market.picks.items()}
    market.end([number for number, line in market.lines.items() if line.code == code])
    return True


def cancel_campaign(market: Market) -> bool:
    if market.state == "decided":
        return False
    market.end(list(market.lines))
    market.state = "cancelled"
    return True


def decide(market: Market) -> bool:
    """Say what is made; what misses its minimum goes back, what was never paid ends."""
    if market.state == "decided":
        return True
    runs = any(payment.state in OPEN for payment in market.payments.values())
    if market.state != "settling" or (runs and market.now < market.rules.ends + market.rules.settle):
        return False
    standing = {number: line for number, line in market.lines.items() if line.outcome == "open"}
    reserved = {number: line for number, line in standing.items() if line.reserved}
    for code in market.rules.products:
        _decide_product(market, code, [line for line in reserved.values() if line.code == code])
    market.give_back([number for number, line in reserved.items() if line.outcome == "missed"])
    market.drop(standing.keys() - reserved.keys())
    for number, line in reserved.items():
        if line.outcome == "allocated" and (balance := (line.final or 0) * line.units - line.deposit):
            market.debts.append(Debt(line.order, number, "balance", balance))
    for ref in {line.order for line in reserved.values() if line.outcome == "allocated"}:
        market.debts.append(Debt(ref, 0, "shipping", market.rules.shipping))
    market.state = "decided"
    return True


def _decide_product(market: Market, code: str, lines: list[Line]) -> None:
    product, units = market.rules.products[code], sum(line.units for line in lines)
    final = product.tier_price if product.tier_from and units >= product.tier_from else product.price
    for line in lines:
        line.outcome, line.final = ("allocated", final) if units >= product.minimum else ("missed", None)


def settle(market: Market) -> bool:
    """End what wasn't paid within the grace: the deposit is kept where the law and a reminder allow it, else it goes back."""
    if market.now < market.rules.due + market.rules.grace:
        return False
    paying = [debt for payment in market.payments.values() if payment.state in OPEN for debt in payment.debts]
    due = [debt for debt in market.debts if debt.kind == "balance" and debt.state == "due" and not any(debt is each for each in paying)]
    ending = [debt.line for debt in due if debt.order in market.reminded or not market.rules.keeps]
    if market.rules.keeps:
        for number in ending:
            market.books[FORFEIT] += market.books.pop(f"dep:{number}", 0)
    else:
        market.give_back(ending)
    _gone(market, ending)
    return True


def cannot_deliver(market: Market, code: str) -> bool:
    """Give everything back, and under some laws the deposit once more."""
    ending = [number for number, line in market.lines.items() if line.code == code and line.outcome == "allocated"]
    for line in (market.lines[number] for number in ending if market.rules.doubles):
        market.books[PENALTY] -= line.deposit
        market.books[f"owed:{line.order}"] += line.deposit
    market.give_back(ending)
    _gone(market, ending)
    return True


def _gone(market: Market, ending: list[int]) -> None:
    """End lines after the decision; the shipping of an order of which nothing is left goes back too."""
    if not ending:
        return
    market.drop(ending)
    left = {line.order for line in market.lines.values() if line.outcome == "allocated"}
    for debt in market.debts:
        if debt.kind == "shipping" and debt.order not in left and debt.state == "due":
            debt.state = "void"
    for payment in list(market.payments.values()):
        if payment.order not in left and (amount := payment.left.pop(0, 0)):
            market.send(payment, amount, account=f"ship:{payment.order}")


def unasked(market: Market) -> list[Payment]:
    """Return the open payments that nobody asked about for a minute, the longest unasked first."""
    quiet = [each for each in market.payments.values() if each.state in OPEN and each.checked <= market.now - PAUSE]
    return sorted(quiet, key=lambda each: each.checked)


def sendable(market: Market) -> list[str]:
    """Return the refunds that are due to be sent or asked about."""
    return [key for key, each in market.refunds.items() if each.state in ("queued", "unknown") and each.due <= market.now]


def refunds(market: Market, state: str) -> list[str]:
    return [key for key, each in market.refunds.items() if each.state == state]


def sent(market: Market, refund: Refund) -> None:
    """Note an attempt: the next one comes after a minute, twice as long each time, an hour at most."""
    refund.attempts += 1
    refund.due = market.now + min(timedelta(minutes=2 ** (refund.attempts - 1)), timedelta(hours=1))


def resolve(market: Market, key: str, *, again: bool) -> bool:
    """Let finance send a failed refund anew, or pay it out from the bank account."""
    refund = market.refunds[key]
    if refund.state != "failed" or refund.resolved:
        return False
    refund.resolved = True
    owed = f"owed:{refund.payment.order}"
    if again:
        market.send(refund.payment, refund.amount, account=owed)
    else:
        market.books[owed] -= refund.amount
        market.books[BANK] += refund.amount
    return True
