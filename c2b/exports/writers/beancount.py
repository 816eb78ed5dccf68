"""The ledger as Beancount text: an independent program, `bean-check`, says whether it balances.

Syntax: https://beancount.github.io/docs/beancount_language_syntax.html
"""

import re
from typing import BinaryIO

from c2b import money
from c2b.exports.sheet import Sheet

_FAMILIES = {
    "psp": "Assets:Gateways",
    "bank": "Assets:Bank",
    "dep": "Liabilities:Deposits",
    "ship": "Liabilities:Shipping",
    "hold": "Liabilities:Refunds",
    "owed": "Liabilities:Owed",
    "suspense": "Liabilities:Suspense",
    "revenue": "Income:Revenue",
    "shipping": "Income:Shipping",
    "forfeit": "Income:Forfeits",
    "fees": "Expenses:Fees",
    "penalty": "Expenses:Penalties",
}


def write(sheet: Sheet, stream: BinaryIO) -> None:
    """Write accounts, then transfers; `sheet` is the ledger, with its accounts beside it."""
    about = sheet.about
    lines = [f'option "title" {_quoted(f"{about.title} ({about.campaign})")}', f'option "operating_currency" "{about.currency}"', ""]
    stream.write("\n".join(lines).encode())
    stream.writelines(
        f"\n{about.local(opened):%Y-%m-%d} open {account(name)}\n  c2b: {_quoted(name)}".encode() for name, opened in sheet.beside[0].rows
    )
    stream.write(b"\n")
    for key, at, event, debit, credit, amount, currency in sheet.rows:
        value = money.decimal(amount, currency)
        local = about.local(at)
        stream.write(
            f"\n{local:%Y-%m-%d} * {_quoted(event)}\n"
            f"  id: {_quoted(key)}\n"
            f'  at: "{local.isoformat()}"\n'
            f"  {account(debit)}  {value} {currency}\n"
            f"  {account(credit)}  -{value} {currency}\n".encode()
        )


def account(name: str) -> str:
    """Return a ledger account's name as Beancount takes it; no two become the same.

    The parts of a Beancount account begin with a capital letter or digit and go on with letters, digits and `-`.
    """
    family, *parts = name.split(":")
    return ":".join([_FAMILIES.get(family, f"Equity:Other:{_part(family)}"), *(_part(part) for part in parts)])


def _part(text: str) -> str:
    written = re.sub(r"[^A-Za-z0-9]", lambda found: "".join(f"-{byte:02X}" for byte in found[0].encode()), text)
    if written[:1].islower():
        return written[0].upper() + written[1:]
    return written if written[:1].isdigit() else f"0--{written}"  # told apart from the same in lower case


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'
