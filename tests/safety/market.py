"""A whole campaign as a few dictionaries: what must have become of votes, places, lines and money after anything that anybody does.

Pure, and written from the promises, not from the program: it knows neither tables nor the program's rules. Amounts are fen. Each act
answers whether it is allowed; one that isn't changes nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tests.safety.market_facts import OPEN, PAGE, PSP, UNHEARD, Debt, Line, Payment, Refund, Rules


@dataclass
class Market:
    """The state of everything."""

    rules: Rules
    now: datetime
    state: str = "voting"
    paused: bool = False
    picks: dict[int, set[str]] = field(default_factory=dict)
    selected: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    addressed: dict[str, bool] = field(default_factory=dict)
    """Orders, and whether they say where the goods go."""
    reminded: set[str] = field(default_factory=set)
    lines: dict[int, Line] = field(default_factory=dict)
    debts: list[Debt] = field(default_factory=list)
    payments: dict[str, Payment] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    places: dict[int, datetime] = field(default_factory=dict)
    books: Counter[str] = field(default_factory=Counter)

    # Votes and the timetable.

    def vote(self, person: int, code: str, *, undo: bool) -> bool:
        mine = self.picks.get(person, set())
        full = len(mine) >= self.rules.votes_each and code not in mine
        if self.state != "voting" or self.paused or self.now >= self.rules.closes or (not undo and (code in self.withdrawn or full)):
            return False
        self.picks[person] = mine - {code} if undo else mine | {code}
        return True

    def votes(self) -> dict[str, int]:
        """Return the votes that count, by code."""
        return dict(Counter(code for mine in self.picks.values() for code in mine))

    def tick(self) -> None:
        """Do what the clock says; ordering doesn't begin when it would be over, or with nothing to sell."""
        if self.state == "voting" and self.now >= self.rules.closes:
            self.state = "tally"
        if self.state == "selected" and self.rules.opens <= self.now < self.rules.ends and self.selected - self.withdrawn:
            self.state = "ordering"
        if self.state == "ordering" and self.now >= self.rules.ends:
            self.state = "settling"

    def winners(self) -> set[str] | None:
        """Return who wins: the most votes, as many as there are places; None where lots have to be drawn."""
        votes = {code: number for code, number in self.votes().items() if code not in self.withdrawn}
        ranked = sorted(votes, key=lambda code: -votes[code])
        won, lost = ranked[: self.rules.places], ranked[self.rules.places :]
        return None if lost and votes[lost[0]] == votes[won[-1]] else set(won)

    # Places and orders.

    @property
    def takes_orders(self) -> bool:
        return self.state == "ordering" and not self.paused and self.rules.opens <= self.now < self.rules.ends

    def left(self, code: str, *, besides: str = "") -> int:
        """Return the units that nobody has or is about to pay for; any number where there is no cap."""
        cap = self.rules.products[code].cap
        here = {number: line for number, line in self.lines.items() if line.code == code}
        had = sum(line.units for line in here.values() if line.reserved and line.outcome in ("open", "allocated"))
        live = (self.lines[number] for number in self.places if number in here and self._is_live(number))
        return 10**6 if cap is None else cap - had - sum(line.units for line in live if line.order != besides)

    def _is_live(self, number: int) -> bool:
        return self.places[number] > self.now or any(self._runs(number, UNHEARD))

    def _runs(self, number: int, states: Collection[str]) -> Iterator[bool]:
        return (True for payment in self.payments.values() if payment.state in states for debt in payment.debts if debt.line == number)

    def may_order(self, units: dict[str, int]) -> bool:
        sold = self.selected - self.withdrawn
        return self.takes_orders and all(code in sold and self.left(code) >= wanted for code, wanted in units.items())

    def order(self, ref: str, lines: dict[int, tuple[str, int]], *, addressed: bool) -> None:
        self.addressed[ref] = addressed
        for number, (code, units) in sorted(lines.items()):
            deposit = units * self.rules.products[code].deposit
            self.lines[number] = Line(ref, code, units, deposit)
            self.debts.append(Debt(ref, number, "deposit", deposit))

    def of(self, ref: str) -> dict[int, Line]:
        return {number: line for number, line in self.lines.items() if line.order == ref}

    # Paying.

    def running(self, ref: str) -> Payment | None:
        return next((each for each in self.payments.values() if each.order == ref and each.state in OPEN), None)

    def payable(self, ref: str) -> list[Debt]:
        """Return what can be paid now; nothing where places or the address lack."""
        can = {"deposit": self.takes_orders, "balance": self.takes_balances, "shipping": self.takes_balances}
        due = [debt for debt in self.debts if debt.order == ref and debt.state == "due" and can[debt.kind]]
        wanted = Counter[str]()
        for debt in due:
            if debt.kind == "deposit":
                wanted[self.lines[debt.line].code] += self.lines[debt.line].units
        is_full = any(self.left(code, besides=ref) < units for code, units in wanted.items())
        lacks_address = not self.addressed[ref] and any(debt.kind != "deposit" for debt in due)
        return [] if is_full or lacks_address else due

    @property
    def takes_balances(self) -> bool:
        return self.state == "decided" and self.now < self.rules.due + self.rules.grace

    def pay(self, ref: str, key: str) -> None:
        due = self.payable(ref)
        self.payments[key] = Payment(key, ref, due, self.now, self.now)
        for debt in due:
            if debt.kind == "deposit" and self.rules.products[self.lines[debt.line].code].cap is not None:
                self.places[debt.line] = self.now + PAGE

    def hear(self, key: str, said: str) -> None:
        """Apply what the gateway said of a payment: done, failed, pending or unknown."""
        payment = self.payments[key]
        payment.checked = self.now
        if said == "done" and payment.state != "captured":
            self._capture(payment)
        elif payment.state in OPEN:
            payment.state = said
            if said == "failed":
                self._close(payment)

    def _capture(self, payment: Payment) -> None:
        undecided = self.state in ("ordering", "settling") and self.now <= self.rules.ends + self.rules.settle
        in_time = undecided and payment.begun < self.rules.ends and payment.state != "failed"
        payment.state, payment.captured = "captured", payment.amount
        self.books[PSP] -= payment.amount
        late: Counter[str] = Counter()
        free = {code: self.left(code, besides=payment.order) for code in self.rules.products}
        for debt in sorted(payment.debts, key=lambda debt: (debt.kind == "shipping", debt.line)):
            if why := self._goes_back(debt, free, in_time=in_time):
                late[why] += debt.amount
            else:
                self._take(payment, debt, free)
        self._close(payment)
        for amount in late.values():
            self.send(payment, amount)

    def _goes_back(self, debt: Debt, free: dict[str, int], *, in_time: bool) -> str:
        """Say why money can't be kept; empty: it can."""
        line = self.lines.get(debt.line)
        if debt.state == "paid":
            return "overpaid"
        if line and (line.asked or (in_time and line.outcome == "cancelled")):
            return "cancelled"
        if debt.state != "due" or (line and line.outcome != {"deposit": "open", "balance": "allocated"}[debt.kind]):
            return "late"
        if debt.kind != "deposit" or line is None:
            return ""
        return "" if in_time and free[line.code] >= line.units else "late"

    def _take(self, payment: Payment, debt: Debt, free: dict[str, int]) -> None:
        debt.state = "paid"
        payment.left[debt.line] += debt.amount
        self.books[f"dep:{debt.line}" if debt.line else f"ship:{debt.order}"] += debt.amount
        if debt.kind == "deposit":
            self.lines[debt.line].reserved = True
            free[self.lines[debt.line].code] -= self.lines[debt.line].units

    def _close(self, payment: Payment) -> None:
        numbers = {debt.line for debt in payment.debts if debt.line}
        for number in numbers:
            if not any(self._runs(number, OPEN)):
                self.places.pop(number, None)
        if asked := [number for number in numbers if self.lines[number].asked]:
            self.end(asked)

    # Money back.

    def send(self, payment: Payment, amount: int, *, account: str = "") -> None:
        """Begin a refund: the money waits on an account of its own."""
        payment.refunds += 1
        key = f"{payment.key}-{payment.refunds}"
        self.refunds[key] = Refund(payment, amount, self.now)
        self.books[f"hold:{key}"] += amount
        if account:
            self.books[account] -= amount

    def give_back(self, numbers: Iterable[int]) -> None:
        """Send back all that these lines have, one refund a payment."""
        wanted = set(numbers)
        for payment in self.payments.values():
            mine = {number: payment.left.pop(number) for number in wanted & payment.left.keys()}
            for number, amount in mine.items():
                self.books[f"dep:{number}"] -= amount
            if mine:
                self.send(payment, sum(mine.values()))

    def end(self, numbers: Iterable[int]) -> None:
        """Cancel those that still stand: money goes back, nothing more is owed, places are free."""
        standing = [number for number in numbers if self.lines[number].outcome == "open"]
        self.give_back(standing)
        self.drop(standing)

    def drop(self, numbers: Iterable[int]) -> None:
        """End lines without a look at their money."""
        ending = set(numbers)
        for debt in self.debts:
            if debt.line in ending and debt.state == "due":
                debt.state = "void"
        for number in ending:
            self.lines[number].outcome = "cancelled"
            self.places.pop(number, None)

    def refund_heard(self, key: str, said: str) -> None:
        """Apply what the gateway said of a refund: done, failed or unknown."""
        refund = self.refunds[key]
        if refund.state == "settled" and said == "failed":
            self.books[PSP] -= refund.amount
            self.books[f"owed:{refund.payment.order}"] += refund.amount
            refund.state = "failed"
        elif refund.state in ("queued", "unknown") and said in ("done", "unknown"):
            refund.state = {"done": "settled", "unknown": "unknown"}[said]
            if said == "done":
                self.books[f"hold:{key}"] -= refund.amount
                self.books[PSP] += refund.amount
