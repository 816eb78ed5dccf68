"""The basket, the order, and waiting for its payment."""

import re
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask import session as cookie
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response

from c2b.campaigns.queries import OptionRow
from c2b.deposits import actions, pay, queries
from c2b.deposits.placing import ADDRESS, ShippingAddress
from c2b.deposits.queries import Basket, BasketItem, Choice
from c2b.errors import Invalid, Refused
from c2b.payments.rules import PaymentState
from c2b.ui.clients import client
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import customer, customer_required, now, parts, reading, transaction
from c2b.web import paying
from c2b.web.campaign import shown
from c2b.web.gallery import about, own_ballot

bp = Blueprint("orders", __name__, template_folder="templates")
_UNITS = re.compile("[0-9]{1,3}")
_MOST_KEPT = 40
"""Products whose choices the cookie keeps."""


@dataclass(frozen=True)
class Taken:
    """What the form says about one product: the options' keys as text, and the units."""

    option1: str = ""
    option2: str = ""
    units: str = "1"


@dataclass(frozen=True)
class Control:
    """One of a product's two options as the form asks for it: the values that are offered, and the key of the chosen one."""

    id: str
    name: str
    values: tuple[OptionRow, ...]
    chosen: str

    @property
    def label(self) -> str:
        """What a sentence calls it."""
        return self.name or _("one")

    @property
    def is_open(self) -> bool:
        """Whether a choice is still missing."""
        return bool(self.values) and self.chosen not in {str(value.id) for value in self.values}


@dataclass(frozen=True)
class Row:
    """A product in the basket as the page shows it; `choice` is the variant, once it is clear."""

    item: BasketItem
    taken: Taken | None
    controls: tuple[Control, Control]
    choice: Choice | None

    @property
    def units(self) -> int:
        """Units as a number; 0 where the form says something else."""
        text = self.taken.units if self.taken else ""
        return int(text) if _UNITS.fullmatch(text) else 0

    @property
    def amounts(self) -> dict[str, int]:
        """What it adds to the sums, in minor units; nothing where it isn't taken or its variant isn't clear."""
        if not (self.taken and self.choice):
            return {}
        unit = {"promised": self.choice.promised, "deposit": self.choice.deposit, "now": self.choice.now}
        return {"products": 1} | {name: amount * self.units for name, amount in unit.items()}


def _asked(form: MultiDict[str, str]) -> dict[str, Taken]:
    """Read which products a form takes, with their options."""
    return {
        code: Taken(form.get(f"o1-{code}", ""), form.get(f"o2-{code}", ""), form.get(f"units-{code}", "1").strip())
        for code in form.getlist("take")
    }


def _kept(slug: str) -> dict[str, Taken]:
    return {code: Taken(*values) for code, values in cookie.get("basket", {}).get(slug, {}).items()}


def _keep(slug: str, taken: Mapping[str, Taken]) -> None:
    cookie["basket"] = {slug: {code: [each.option1, each.option2, each.units] for code, each in islice(taken.items(), _MOST_KEPT)}}


def _row(item: BasketItem, taken: Taken | None) -> Row:
    product, asked = item.product, taken or Taken()
    first = _control(item, 1, product.option1_name, product.options1, asked.option1)
    second = _control(item, 2, product.option2_name, product.options2, asked.option2)
    choice = next((each for each in item.choices if _keys(each) == (first.chosen, second.chosen)), None)
    return Row(item, taken, (first, second), choice)


def _control(item: BasketItem, axis: int, name: str, options: tuple[OptionRow, ...], asked: str) -> Control:
    """Return what the form asks for on one axis; where only one value is offered it is chosen already."""
    offered = {_keys(choice)[axis - 1] for choice in item.choices}
    values = tuple(option for option in options if str(option.id) in offered)
    return Control(
        f"o{axis}-{item.product.card.code}", name, values, asked if len(values) > 1 else "".join(str(only.id) for only in values)
    )


def _keys(choice: Choice) -> tuple[str, str]:
    first, second = choice.variant.option1, choice.variant.option2
    return str(first.id) if first else "", str(second.id) if second else ""


def _rows(basket: Basket, taken: Mapping[str, Taken]) -> list[Row]:
    """Return what the page lists: what is taken, what was asked for, and the person's picks."""
    listed = [item for item in basket.items if item.picked or item.added or item.product.card.code in taken]
    return [_row(item, taken.get(item.product.card.code)) for item in listed]


def _missing(rows: list[Row]) -> dict[str, str]:
    """Return what the form lacks on the products that it takes, by the id of the control."""
    lacks = {control: text for row in rows for control, text in _lacks(row).items()}
    return lacks if rows else {"basket": _("Tick at least one product")}


def _lacks(row: Row) -> dict[str, str]:
    name, code = row.item.product.card.name, row.item.product.card.code
    lacks = {control.id: _("%(name)s: choose %(option)s", name=name, option=control.label) for control in row.controls if control.is_open}
    if row.choice is None and not lacks:
        lacks[row.controls[0].id] = _("%(name)s is not offered in this combination; choose another", name=name)
    if row.units < 1:
        lacks[f"units-{code}"] = _("%(name)s: how many pieces? Write a number like 1", name=name)
    return lacks


def _page(
    slug: str, taken: Mapping[str, Taken], *, status: int = 200, errors: Mapping[str, str] | None = None, add: str = ""
) -> tuple[str, int]:
    """Render the basket with what the form says; amounts come from what is offered now."""
    with reading() as session:
        campaign = shown(session, slug)
        ballot = own_ballot(session, campaign)
        basket = queries.basket(session, campaign=campaign, person_id=customer().person_id, add=add, locale=locale(), now=now())
    rows = _rows(basket, taken)
    page = render_template(
        "web/basket.html",
        basket=basket,
        rows=rows,
        sums=_sums(rows),
        errors=errors or {},
        key=secrets.token_urlsafe(16),  # nothing was written by a form that is shown again
        form={name: request.form.get(name, "") for name in ADDRESS},
        gateways=paying.offered(),
        gateway_name=paying.name,
        countries=[("", "—"), *((country, country) for country in campaign.countries)],
        **about(campaign, ballot),
    )
    return page, status


def _sums(rows: list[Row]) -> dict[str, int]:
    """Add up what is chosen: promised price, deposit, and the same if ordering closed now; minor units."""
    made, missed = Counter[str](), Counter[str]()
    for row in rows:
        (made if row.item.is_reached else missed).update(row.amounts)
    chosen = made + missed
    return {
        "products": chosen["products"],
        "promised": chosen["promised"],
        "deposit": chosen["deposit"],
        "made": made["products"],
        "balance_now": made["now"] - made["deposit"],
        "returned_now": missed["deposit"],
    }


@bp.get("/c/<slug>/order")
@customer_required
def basket(slug: str) -> tuple[str, int]:
    """Show the customer's selected picks, to be ordered in one go; `?add=` brings another product."""
    add = request.args.get("add", "")
    return _page(slug, ({add: Taken()} if add else {}) | _kept(slug), add=add)


@bp.post("/c/<slug>/orders")
@customer_required
def place(slug: str) -> Response | tuple[str, int]:
    """Write the order and go on to its payment; `do=total` only adds up."""
    taken = _asked(request.form)
    _keep(slug, taken)
    if request.form.get("do") == "total":
        return redirect(f"/c/{slug}/order#total", 303)
    rows = _chosen(slug, taken)
    if errors := _missing(rows):
        return _page(slug, taken, status=400, errors=errors)
    try:
        ref = _write(slug, rows)
    except (Invalid, Refused) as problem:
        return _page(slug, taken, status=400, errors={getattr(problem, "field", "") or "basket": say(problem)})
    return _begin(ref)


def _chosen(slug: str, taken: Mapping[str, Taken]) -> list[Row]:
    with reading() as session:
        campaign = shown(session, slug)
        basket = queries.basket(session, campaign=campaign, person_id=customer().person_id, add="", locale=locale(), now=now())
    return [row for row in _rows(basket, taken) if row.taken]


def _write(slug: str, rows: list[Row]) -> str:
    with transaction() as session:
        ref = actions.place_order(
            session,
            slug=slug,
            person_id=customer().person_id,
            lines=[(row.choice.variant.id, row.units) for row in rows if row.choice],
            address=ShippingAddress(**{name: request.form.get(name, "").strip() for name in ADDRESS}),
            idempotency_key=request.form.get("key", ""),
            locale=locale(),
            now=now(),
        )
    cookie.pop("basket", None)
    return ref


def _begin(ref: str) -> Response:
    """Begin the payment of an order and go where it is paid; if that is refused the order stands, and its page says why."""
    known = parts()
    gateway = request.form.get("gateway") or next(iter(paying.offered()), "")
    mine = {"order_ref": ref, "gateway": gateway}
    try:
        page = pay.pay(known.database, known.gateways, person_id=customer().person_id, now=now(), client=client(), **mine)
    except (Invalid, Refused) as problem:
        flash(say(problem), "bad")
        page = f"/me/orders/{ref}"
    return redirect(page, 303)


@bp.post("/me/orders/<ref>/pay")
@customer_required
def pay_again(ref: str) -> Response:
    """Pay what is due on an order: the payment that runs already, or a new one."""
    return _begin(ref)


@bp.get("/c/<slug>/pay/<ref>")
@customer_required
def waiting(slug: str, ref: str) -> Response | str:
    """Show a payment until its result is known."""
    with reading() as session:
        found = queries.payment(session, key=ref, person_id=customer().person_id)
        if found.state is PaymentState.CAPTURED:
            return redirect(f"/me/orders/{found.order_ref}", 303)
        campaign = shown(session, slug)
        order = queries.order(session, ref=found.order_ref, person_id=customer().person_id, locale=locale(), now=now())
        deposit, ballot = queries.is_for_deposit(session, key=ref), own_ballot(session, campaign)
    return render_template("web/waiting.html", payment=found, order=order, deposit=deposit, **about(campaign, ballot))


@bp.post("/c/<slug>/pay/<ref>")
@customer_required
def check(slug: str, ref: str) -> Response:
    """Ask the gateway now; htmx is sent on only when something is known."""
    with reading() as session:
        found = queries.payment(session, key=ref, person_id=customer().person_id)
    state = pay.check(parts().database, parts().gateways, key=found.key, now=now())
    if state is PaymentState.CAPTURED:
        flash(_("The money is in."), "ok")
    here = iri_to_uri(f"/c/{slug}/pay/{ref}") if state is not PaymentState.CAPTURED else f"/me/orders/{found.order_ref}"
    if "HX-Request" not in request.headers:
        return redirect(here, 303)
    if state in {PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.MISMATCH}:
        return make_response("", 200, {"HX-Redirect": here})
    return make_response("", 204)
