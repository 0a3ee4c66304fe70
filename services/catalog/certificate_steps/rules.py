"""Which versions a certificate may be carried over to without a new test."""

from datetime import date

from services.catalog.certificates.rules import Scope
from services.chassis.problems import Conflict, Invalid, Problem


class CarryOverToMajorVersion(Invalid):
    """A certificate is carried over to minor versions only; a new main version is tested again."""


class CarryOverNotNeeded(Conflict):
    """The certificate covers this version already."""


class CarryOverNotAllowed(Conflict):
    """The scheme does not let certificates be carried over."""


class CarryOverVersionUnknown(Invalid):
    """The product has no such version."""


class ConditionUnknown(Invalid):
    """The certificate has no such condition or dispensation."""


class ConditionMetAlready(Conflict):
    """The condition is recorded as met already."""


class SuccessorUnknown(Invalid):
    """What supersedes a certificate is another one of the same holder and kind."""


class StepBackDated(Invalid):
    """What a holder does takes effect today or later."""


def check_carry_over(scope: Scope, label: str, breaking: bool | None, *, allowed: bool) -> list[Problem]:
    """`breaking`: what the product says of the version; None when it has none of this label."""
    if not allowed:
        return [CarryOverNotAllowed()]
    if breaking is None:
        return [CarryOverVersionUnknown(label, pointer="#/version")]
    if scope.covers_version(label):
        return [CarryOverNotNeeded(label, pointer="#/version")]
    covered = {_main(one) for one in (*(scope.versions or ()), scope.version_from, scope.version_to) if one}
    if breaking or _main(label) not in covered:
        return [CarryOverToMajorVersion(label, pointer="#/version")]
    return []


def _main(label: str) -> str:
    """Of 3.2 the 3: what stands before the first dot."""
    return label.removeprefix("v").split(".")[0]


def check_holders_day(effective_on: date, today: date) -> list[Problem]:
    return [StepBackDated(pointer="#/effective_on")] if effective_on < today else []
