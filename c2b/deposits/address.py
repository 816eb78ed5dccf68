"""Where an order goes: may be said late, is needed before the balance, and can be changed until the goods leave."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits import placing
from c2b.deposits.locking import order_by_ref
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.placing import ShippingAddress
from c2b.deposits.rules import LEFT
from c2b.errors import N_, Invalid, NotFound, Refused


def change(session: Session, *, order_ref: str, person_id: int, address: ShippingAddress) -> None:
    """Say where a customer's own order goes. Raises Invalid naming the field that is missing, Refused once goods have left."""
    mine = select(Order.id).where(Order.ref == order_ref, Order.person_id == person_id)
    if session.scalars(mine).first() is None:
        raise NotFound(N_("There is no such order"))
    order = order_by_ref(session, order_ref)
    left = select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.fulfilment.in_(LEFT))
    if session.scalars(left).first() is not None:
        raise Refused(N_("Some of it has left already; write to us if the rest should go elsewhere"))
    _complete(order.campaign, address)
    for name, value in vars(address).items():
        setattr(order, name, value)


def _complete(campaign: Campaign, address: ShippingAddress) -> None:
    lacking = {
        "recipient": (address.recipient, N_("Say who receives it")),
        "phone": (address.phone, N_("Give a telephone number for the carrier")),
        "address": (address.address, N_("Give street and number, place and region")),
        "country": (address.country, N_("Choose the country")),
    }
    for field, (value, why) in lacking.items():
        if not value:
            raise Invalid(why, field=field)
    placing.check_address(campaign, address)
