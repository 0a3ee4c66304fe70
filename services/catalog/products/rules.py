"""When a product's offer holds together, who may change it, and when it was last vouched for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import pycountry

from services.chassis.problems import Forbidden, Invalid, Problem

STALE_AFTER = timedelta(days=365)
SENSITIVE = frozenset({"supplier", "delivery_forms", "hosting_countries", "component", "further_components"})
"""What buyers choose by: whoever changes it says why."""


class DeliveryForm(StrEnum):
    """`saas`: run by the supplier. `on_premises`: run by the customer."""

    SAAS = "saas"
    ON_PREMISES = "on_premises"


class Step(StrEnum):
    """What can become of a product that was registered on behalf of its supplier."""

    TAKE_OVER = "take_over"
    REJECT_TAKE_OVER = "reject_take_over"


class Keeper(StrEnum):
    """Who keeps the record: its supplier, or whoever registered it on the supplier's behalf."""

    SUPPLIER = "supplier"
    REGISTRAR = "registrar"


class NothingOffered(Invalid):
    """A product is offered for a component, or declares to meet a specification."""


class ComponentRepeated(Invalid):
    """A component stands twice."""


class HostingWithoutForm(Invalid):
    """A country is given for a delivery form that is not offered."""


class CountryUnknown(Invalid):
    """This is no country of ISO 3166-1."""


class NotYourProduct(Forbidden):
    """Only whoever keeps the product may change it."""


class TakeOverFirst(Forbidden):
    """The product was registered on your behalf; take it over before you change it."""


class OnBehalfByPublicBodiesOnly(Forbidden):
    """Only a public body registers a product on a supplier's behalf."""


class SupplierFixed(Invalid):
    """A supplier cannot give its product to another; only a record kept on its behalf can name another supplier."""


@dataclass(frozen=True)
class Offer:
    """What is offered. `declared`: how many specifications it declares to meet."""

    component: str | None
    further_components: Sequence[str]
    declared: int
    delivery_forms: Collection[str]
    hosting_countries: Mapping[str, str]


def stale(confirmed_on: date | None, today: date) -> bool:
    """Nobody has vouched for it for more than a year, or ever."""
    return confirmed_on is None or today - confirmed_on > STALE_AFTER


def check_offer(offer: Offer) -> list[Problem]:
    found: list[Problem] = []
    if offer.component is None and not offer.declared:
        found.append(NothingOffered(pointer="#/component"))
    seen = {offer.component}
    for place, one in enumerate(offer.further_components):
        if one in seen:
            found.append(ComponentRepeated(f"{one!r}.", pointer=f"#/further_components/{place}"))
        seen.add(one)
    for form, country in offer.hosting_countries.items():
        pointer = f"#/hosting_countries/{form}"
        if form not in offer.delivery_forms:
            found.append(HostingWithoutForm(f"{form} is not offered.", pointer=pointer))
        if not country.isupper() or pycountry.countries.get(alpha_2=country) is None:
            found.append(CountryUnknown(f"{country!r} is none of the two-letter codes.", pointer=pointer))
    return found


def keeper(on_behalf: bool, last: Step | None) -> Keeper:
    """Who keeps the record: the registrar until the supplier takes over, and again when an editor rejects that."""
    return Keeper.REGISTRAR if on_behalf and last is not Step.TAKE_OVER else Keeper.SUPPLIER


def check_change(
    kept_by: Keeper, *, caller: int, suppliers: Collection[int], registrar: int | None, changes_supplier: bool
) -> list[Problem]:
    """`suppliers`: whoever is the supplier today; several only after a split. All by internal key."""
    if kept_by is Keeper.REGISTRAR:
        if caller in suppliers and caller != registrar:
            return [TakeOverFirst()]
        return [] if caller == registrar else [NotYourProduct()]
    if caller not in suppliers:
        return [NotYourProduct()]
    return [SupplierFixed(pointer="#/supplier")] if changes_supplier else []


def order_key(label: str) -> str:
    """Labels of numbers and dots sort as numbers, before all others, which sort as they are written."""
    parts = label.removeprefix("v").split(".")
    if all(part.isascii() and part.isdigit() and len(part) <= 9 for part in parts) and len(parts) <= 6:
        return "0" + ".".join(part.zfill(9) for part in parts)
    return "1" + label
