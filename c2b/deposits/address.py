"""Where an order goes: may be said late, is needed before the balance, and can be changed until the goods leave."""

from datetime import datetime

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits import placing
from c2b.deposits.pickups import drop, movable
from c2b.deposits.placing import ShippingAddress
from c2b.errors import N_, Invalid


def change(session: Session, *, order_ref: str, person_id: int, address: ShippingAddress, now: datetime) -> None:
    """Say where a customer's own order goes; one that was to be collected is sent then, and its shipping is owed.

    Raises NotFound, Invalid naming the field that is missing, Refused once goods have left or wait in a store.
    """
    order = movable(session, order_ref=order_ref, person_id=person_id)
    _complete(order.campaign, address)
    drop(session, order, now)
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
