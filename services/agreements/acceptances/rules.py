"""When what was delivered may be accepted, and at which value."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.agreements.calloffs.rules import ItemTwice
from services.agreements.complaints.rules import NotDelivered
from services.agreements.deliveries.rules import Outcome, Standing
from services.agreements.ledger.rules import Moved
from services.chassis.problems import Conflict, Invalid, Problem


class CertificationPending(Conflict):
    """Whether what was delivered is certified could not be found out yet. It is asked again until it is known."""


class NotCertifiedUnexplained(Invalid):
    """What was delivered was not certified on that day: accepting it all the same needs a reason."""


class AgreedMissing(Invalid):
    """The settlement does not say what is agreed for an item that was rejected."""


class KeptMoreThanDelivered(Conflict):
    """More is kept than has been delivered."""


class AgreedAboveOrder(Conflict):
    """The agreed value is above what the order's price gives for what is kept."""


@dataclass(frozen=True)
class Agreed:
    """What buyer and supplier agreed on for an item: NOK without VAT for the units that are kept."""

    item: str
    amount: Decimal
    quantity: int | None = None
    """None: all that were delivered."""


def check_certified(outcomes: Collection[Outcome], reason: str | None) -> list[Problem]:
    """The third look at the certificates decides too: nothing is posted while nobody can say, and what was not
    certified only with a reason."""
    if Outcome.PENDING in outcomes:
        return [CertificationPending()]
    if Outcome.NOT_VALID in outcomes and not reason:
        return [NotCertifiedUnexplained("Say why it is accepted.", pointer="#/reason")]
    return []


def check_settlement(
    agreed: Sequence[Agreed], standing: Sequence[Standing], rejected: Collection[str]
) -> list[Problem]:
    """Every reason why a settlement cannot be posted. `rejected` are the items that the complaint names."""
    found: list[Problem] = []
    known = {one.line.item: one for one in standing if one.delivered}
    seen: set[str] = set()
    for place, one in enumerate(agreed):
        where = f"#/lines/{place}"
        here = known.get(one.item)
        if one.item in seen:
            found.append(ItemTwice(f"{one.item} stands on an earlier line.", pointer=f"{where}/item"))
        elif here is None:
            found.append(NotDelivered(f"No {one.item} has been delivered.", pointer=f"{where}/item"))
        else:
            kept = here.delivered if one.quantity is None else one.quantity
            most = here.line.unit_price * kept
            if kept > here.delivered:
                told = f"{kept} of {one.item} are kept, and {here.delivered} have been delivered."
                found.append(KeptMoreThanDelivered(told, pointer=f"{where}/quantity"))
            if one.amount > most:
                told = f"{kept} of {one.item} are {most:.2f} kr without VAT at the order's price."
                found.append(AgreedAboveOrder(told, pointer=f"{where}/amount_excl_vat"))
        seen.add(one.item)
    found += [AgreedMissing(f"{item} was rejected.", pointer="#/lines") for item in sorted(set(rejected) - seen)]
    return found


def settled(agreed: Sequence[Agreed], standing: Sequence[Standing]) -> list[Agreed]:
    """The value of all that was delivered: as agreed, and what nothing was said of at the order's price."""
    said: Mapping[str, Agreed] = {one.item: one for one in agreed}
    found: list[Agreed] = []
    for one in standing:
        if one.delivered:
            here = said.get(one.line.item, Agreed(one.line.item, one.line.unit_price * one.delivered))
            quantity = one.delivered if here.quantity is None else here.quantity
            found.append(Agreed(here.item, here.amount, quantity))
    return found


def posted(value: Sequence[Agreed], standing: Sequence[Standing]) -> list[Moved]:
    """What posting that value moves in the ledger: it is reserved no longer, and what it is below stays so until the
    order is closed."""
    lines = {one.line.item: one.line for one in standing}
    return [
        Moved(
            one.item,
            lines[one.item].product,
            lines[one.item].component,
            quantity_reserved=-(one.quantity or 0),
            quantity_posted=one.quantity or 0,
            reserved=-one.amount,
            posted=one.amount,
        )
        for one in value
    ]
