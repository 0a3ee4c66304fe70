"""Who may take a product's record over, and when that may be rejected."""

from collections.abc import Collection

from services.catalog.products.rules import Step
from services.chassis.problems import Conflict, Forbidden, Problem


class NotTheSupplier(Forbidden):
    """Only the supplier that the record names can take it over."""


class NothingToTakeOver(Conflict):
    """The product is kept by its supplier already."""


class TakeOverRejected(Conflict):
    """An editor has rejected that you take it over."""


class NoTakeOver(Conflict):
    """There is no take-over to reject."""


def check(on_behalf: bool, last: Step | None, *, caller: int, suppliers: Collection[int]) -> list[Problem]:
    """Whether the caller may take it over. `suppliers`: whoever is the supplier today, by internal key."""
    if caller not in suppliers:
        return [NotTheSupplier()]
    if not on_behalf or last is Step.TAKE_OVER:
        return [NothingToTakeOver()]
    return [TakeOverRejected()] if last is Step.REJECT_TAKE_OVER else []


def check_rejection(on_behalf: bool, last: Step | None) -> list[Problem]:
    return [] if on_behalf and last is Step.TAKE_OVER else [NoTakeOver()]
