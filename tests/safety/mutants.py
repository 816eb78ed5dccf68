"""Run by hand: breaks one money rule at a time in a copy of the program, and says whether the tests named for the rule notice.

    python -m tests.safety.mutants            all of them; exits with 1 where fewer than 95 % are caught
    python -m tests.safety.mutants bounce     those whose name contains the word

No part of a normal run: it takes minutes, and it tests the tests.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WANTED = 0.95
RULES, APPLY, REFUNDS = "deposits/rules.py", "deposits/apply.py", "deposits/refunds.py"
BACK, DISPUTES, SENDING = "deposits/apply_refund.py", "deposits/disputes.py", "deposits/sending.py"
WITHHOLDING, T_DISPUTED = "deposits/withholding.py", "tests/deposits/test_disputed_refunds.py"
DEFAULTS, RESOLVING, ACTIONS = "production/defaults.py", "deposits/resolving.py", "deposits/actions.py"
UNDELIVERABLE = "production/undeliverable.py"
T_RULES, T_APPLY, T_EVENTS = "tests/deposits/test_rules.py", "tests/deposits/test_apply.py", "tests/deposits/test_events.py"
T_FAULTS, T_LIMITS, T_REFUNDS = "tests/deposits/test_faults.py", "tests/deposits/test_limits.py", "tests/deposits/test_refunds.py"
T_DEFAULTS, T_ACTIONS = "tests/production/test_defaults.py", "tests/deposits/test_actions.py"
T_GOODS = "tests/production/test_disputed_goods.py"


@dataclass(frozen=True)
class Mutant:
    """One wrong rule: in `file` (below c2b) `old`, which stands there once, becomes `new`; `tests` have to notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant("a tier begins one unit late", RULES, "units >= tier3_units", "units > tier3_units", (T_RULES,)),
    Mutant(
        "deposits from the first price", RULES, "percent_floor(prices.lowest, percent)", "percent_floor(prices.first, percent)", (T_RULES,)
    ),
    Mutant("no cap on deposits", RULES, "most = min(asked, percent_floor(prices.lowest, cap))", "most = asked", (T_RULES,)),
    Mutant("cancelling at the close", RULES, "and now < campaign.ordering_closes\n", "and now <= campaign.ordering_closes\n", (T_RULES,)),
    Mutant(
        "a payment begun at the close",
        RULES,
        "started_at < campaign.ordering_closes and",
        "started_at <= campaign.ordering_closes and",
        (T_RULES,),
    ),
    Mutant("settling without end", RULES, " and now <= settled_at", "", (T_RULES,)),
    Mutant("paid twice is kept", RULES, "return RefundReason.OVERPAID", "return None", (T_RULES, T_APPLY)),
    Mutant(
        "late money is kept", RULES, "return None if arrival.in_time and arrival.has_place", "return None if arrival.has_place", (T_RULES,)
    ),
    Mutant("money without a place is kept", RULES, "arrival.in_time and arrival.has_place", "arrival.in_time", (T_RULES,)),
    Mutant(
        "a balance in the grace's last instant", RULES, "ends is None or now < ends)", "ends is None or now <= ends)", (T_RULES, T_DEFAULTS)
    ),
    Mutant("overdue on its day", RULES, "now > line.balance_due_at]", "now >= line.balance_due_at]", (T_RULES,)),
    Mutant("a mismatch is booked", APPLY, "if said != asked:", "if said[0] < asked[0]:", (T_APPLY,)),
    Mutant("failed money counts", APPLY, " and not failed_before", "", (T_APPLY,)),
    Mutant(
        "captured twice",
        APPLY,
        "payment.state not in (PaymentState.CAPTURED, PaymentState.MISMATCH)",
        "payment.state is not None",
        (T_APPLY,),
    ),
    Mutant(
        "places aren't counted down", APPLY, "free[line.candidate_id] -= line.units", "pass", (T_APPLY, "tests/deposits/test_places.py")
    ),
    Mutant(
        "a failed payment is unknown", APPLY, "if answer.heard is Heard.FAILED:", "if answer.heard is Heard.ABSENT:", (T_APPLY, T_FAULTS)
    ),
    Mutant(
        "a waiting cancel is forgotten",
        APPLY,
        ".first() is not None:\n        end_lines",
        ".first() is None:\n        end_lines",
        (T_APPLY, T_ACTIONS),
    ),
    Mutant("a bounce is ignored", BACK, "_bounced(session, order, refund, answer, now)\n    elif", "pass\n    elif", (T_EVENTS, T_APPLY)),
    Mutant("a bounce after a bounce", BACK, "refund.state is RefundState.SETTLED and answer", "answer", (T_EVENTS, T_APPLY, T_FAULTS)),
    Mutant(
        "a refund of another amount settles",
        BACK,
        "if (answer.amount, answer.currency) != (",
        "if (refund.amount, answer.currency) != (",
        (T_APPLY, T_FAULTS),
    ),
    Mutant(
        "no answer is a failure",
        BACK,
        "(RefundState.UNKNOWN, answer.heard.value)",
        "(RefundState.FAILED, answer.heard.value)",
        (T_FAULTS,),
    ),
    Mutant("a refund is sent without asking", SENDING, "if claimed.sent_before else", "if False else", (T_FAULTS,)),
    Mutant("a forgotten key is sent", SENDING, "if claimed.is_forgotten:", "if False:", (T_LIMITS,)),
    Mutant("refunds after the last day", SENDING, "> limits.refunded_within:", "> 2 * limits.refunded_within:", (T_LIMITS,)),
    Mutant("one refund too many", SENDING, "sent >= limits.refunds_each", "sent > limits.refunds_each", (T_LIMITS,)),
    Mutant(
        "begun refunds are begun again",
        REFUNDS,
        "RefundLine.line_id, -RefundLine.amount",
        "RefundLine.line_id, -RefundLine.amount * 0",
        (T_REFUNDS,),
    ),
    Mutant("disputed money goes back too", REFUNDS, "-DisputeLine.amount)", "-DisputeLine.amount * 0)", (T_EVENTS,)),
    Mutant("sent anew twice", REFUNDS, "    refund.resolved_at = now\n", "", (T_EVENTS,)),
    Mutant("a dispute takes more than there is", DISPUTES, "amount := min(most, held[account], left)", "amount := left", (T_EVENTS,)),
    Mutant(
        "a disputed line stays",
        DISPUTES,
        "if is_undecided(order.campaign.state):",
        "if not is_undecided(order.campaign.state):",
        (T_EVENTS,),
    ),
    Mutant(
        "a dispute is won again and again",
        DISPUTES,
        "if dispute.won_at is None and not each.is_open:",
        "if not each.is_open:",
        (T_DISPUTED,),
    ),
    Mutant("won money stays owed", DISPUTES, "        _send_owed(session, order, payment, owed, now)\n", "        pass\n", (T_EVENTS,)),
    Mutant(
        "shipping goes back by us and by a bank",
        REFUNDS,
        "_PAID = PaymentPart.amount - _TAKEN_BACK",
        "_PAID = PaymentPart.amount",
        (T_GOODS,),
    ),
    Mutant("handed over while a bank decides", "deposits/handing_over.py", "(of_them, UNDECIDED)", "(of_them, ~UNDECIDED)", (T_GOODS,)),
    Mutant("won money goes to ended lines", DISPUTES, "if line.ended_at is not None or", "if", (T_EVENTS,)),
    Mutant("a withheld refund is sent", SENDING, "Refund.withheld_at.is_(None), Refund.next", "Refund.next", (T_DISPUTED,)),
    Mutant("a disputed refund is sent again", SENDING, " or claimed.is_disputed:", ":", (T_DISPUTED,)),
    Mutant("what a bank took is paid out", RESOLVING, "    require_decided(session, refund)\n", "", (T_DISPUTED,)),
    Mutant("a loss stays that was none", WITHHOLDING, "        if amount:\n", "        if False:\n", (T_DISPUTED,)),
    Mutant("shipping stays for nobody", DISPUTES, "return account if left is not None else", "return account or", (T_DISPUTED,)),
    Mutant(
        "forfeit without a reminder",
        DEFAULTS,
        "unpaid(campaign).where(reminded(campaign)) if rules.forfeits and",
        "unpaid(campaign) if rules.forfeits and",
        (T_DEFAULTS,),
    ),
    Mutant("forfeit while a payment runs", DEFAULTS, "where(allocated, ~runs", "where(allocated, True | ~runs", (T_DEFAULTS,)),
    Mutant("every profile forfeits", DEFAULTS, "keeps = rules.forfeits", "keeps = True", (T_DEFAULTS,)),
    Mutant(
        "one person forfeits", DEFAULTS, "if marked and keeps and campaign.two_person", "if False and campaign.two_person", (T_DEFAULTS,)
    ),
    Mutant("every profile doubles", UNDELIVERABLE, "if legal(campaign.legal_profile).doubles:", "if True:", (T_DEFAULTS,)),
    Mutant("the grace ends early", DEFAULTS, "return ends is not None and now >= ends", "return ends is not None", (T_DEFAULTS,)),
    Mutant("less than was asked is accepted", RESOLVING, "came.amount < payment.amount:", "came.amount < 0:", (T_EVENTS, T_APPLY)),
    Mutant("the surplus stays", RESOLVING, "if surplus := came.amount - payment.amount:", "if surplus := 0:", (T_EVENTS, T_APPLY)),
    Mutant("paid by hand twice", RESOLVING, "refund.resolved_at, refund.last_error = now,", "refund.last_error =", (T_EVENTS,)),
    Mutant(
        "two payments at once",
        ACTIONS,
        "if key := session.scalar(running):",
        "if key := None:",
        (T_ACTIONS, T_FAULTS, "tests/safety/test_money_crashes.py"),
    ),
    Mutant(
        "an ended line is still owed",
        ACTIONS,
        ".values(state=ObligationState.VOID)",
        ".values(state=ObligationState.DUE)",
        (T_ACTIONS, T_APPLY),
    ),
)


def survives(mutant: Mutant, copy: Path) -> bool:
    """Break the rule in the copy, run its tests, and mend it; say whether nobody noticed."""
    path = copy / "c2b" / mutant.file
    whole = path.read_text()
    if whole.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.name}: {mutant.file} has {mutant.old!r} {whole.count(mutant.old)} times")
    path.write_text(whole.replace(mutant.old, mutant.new))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-x", "--no-header", "-k", "not postgresql", *mutant.tests]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False, env=environment(copy))
    path.write_text(whole)
    if run.returncode not in (0, 1):
        raise SystemExit(f"{mutant.name}: the tests didn't run\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.returncode == 0


def environment(copy: Path) -> dict[str, str]:
    """Return the environment, with the copy first and without compiled files: two texts of one second would share them."""
    return {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}


def main(word: str) -> int:
    """Try every mutant with this word in its name; returns the program's answer."""
    chosen = [mutant for mutant in MUTANTS if word in mutant.name]
    survivors = []
    with tempfile.TemporaryDirectory(prefix="c2b-mutants-") as folder:
        copy = Path(folder)
        for part in ("c2b", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        for mutant in chosen:
            if alive := survives(mutant, copy):
                survivors.append(mutant.name)
            sys.stdout.write(f"{'SURVIVED' if alive else 'caught  '}  {mutant.file:26} {mutant.name}\n")
            sys.stdout.flush()
    caught = len(chosen) - len(survivors)
    sys.stdout.write(f"{caught} of {len(chosen)} caught\n")
    return 0 if caught >= WANTED * len(chosen) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
