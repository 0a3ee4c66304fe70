"""What a component may be, what offering it entails, and what a change of it needs."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.chassis.problems import Forbidden, Invalid, Problem

STALE_AFTER = 365
"""Days after which what nobody has confirmed is stale."""
SENSITIVE = {"owner", "licence", "reuse"}
"""A change of these needs a reason: who answers for it, what one may do with it, how it is shared."""


class Kind(StrEnum):
    """Only the first is a component in the strict sense; the others are filed under what they are."""

    COMPONENT = "component"
    STANDARD = "standard"
    REPORT = "report"
    PROJECT = "project"
    SCHEME = "scheme"
    GUIDE = "guide"


class Reuse(StrEnum):
    """`reuse`: copied, run by each. `shared_use`: one running instance for all."""

    REUSE = "reuse"
    SHARED_USE = "shared_use"
    BOTH = "both"


class Level(StrEnum):
    NATIONAL = "national"
    COUNTY = "county"
    MUNICIPAL = "municipal"
    INTERNATIONAL = "international"


class OwnerNotYoursToSet(Forbidden):
    """An owner hands its component over; only an editor sets another owner."""


class LicenceUnknown(Invalid):
    """A licence is written as an SPDX expression."""


class FormMissing(Invalid):
    """It must be said whether it is for reuse, for shared use, or both."""


class OperatorMissing(Invalid):
    """Shared use needs an operator."""


class PriceNoteMissing(Invalid):
    """Shared use needs a word on what it costs."""


class TermsMissing(Invalid):
    """Shared use needs its terms."""


class DataProcessingAgreementMissing(Invalid):
    """Shared use needs a data processing agreement."""


class LicenceMissing(Invalid):
    """Reuse needs a licence."""


class RepositoryMissing(Invalid):
    """Reuse needs a repository to copy from."""


@dataclass(frozen=True)
class Offer:
    """What decides whether a component can be offered in its form: `told` are the names of what is there."""

    kind: Kind
    reuse: Reuse | None
    told: Collection[str]


ENTAILED: dict[str, tuple[Reuse, type[Problem]]] = {
    "operator": (Reuse.SHARED_USE, OperatorMissing),
    "price_note": (Reuse.SHARED_USE, PriceNoteMissing),
    "terms_url": (Reuse.SHARED_USE, TermsMissing),
    "data_processing_agreement_url": (Reuse.SHARED_USE, DataProcessingAgreementMissing),
    "licence": (Reuse.REUSE, LicenceMissing),
}
"""What reuse (gjenbruk) and shared use (sambruk) have as their consequence."""


def check_offer(offer: Offer, *, repositories: int | None = None) -> list[Problem]:
    """What is missing before it can be available. Not looked at while it is proposed; told in its quality all along.
    Standards, reports and the like are not run by anyone, so nothing of this is asked of them. Repositories are looked
    at where their number is given."""
    if offer.kind is not Kind.COMPONENT:
        return []
    if offer.reuse is None:
        return [FormMissing(pointer="#/reuse")]
    found = [
        missing(pointer=f"#/{name}")
        for name, (form, missing) in ENTAILED.items()
        if offer.reuse in (form, Reuse.BOTH) and name not in offer.told
    ]
    if repositories == 0 and offer.reuse is not Reuse.SHARED_USE:
        found.append(RepositoryMissing("Register one under /repositories.", pointer="#/repositories"))
    return found


_SPDX = re.compile(r"[A-Za-z0-9.+-]{1,60}(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]{1,60}){0,5}")


def check_licence(licence: str | None) -> list[Problem]:
    """The form of an SPDX licence expression such as `EUPL-1.2` or `MIT OR Apache-2.0`; not whether SPDX lists it."""
    if licence is None or _SPDX.fullmatch(licence):
        return []
    return [LicenceUnknown("For example EUPL-1.2, MIT, Apache-2.0 OR MIT.", pointer="#/licence")]


def check_owner_change(changed: Collection[str], *, editor: bool) -> list[Problem]:
    if "owner" in changed and not editor:
        return [OwnerNotYoursToSet("Offer it with POST …/transfer.", pointer="#/owner")]
    return []


def is_stale(confirmed_on: date | None, today: date) -> bool:
    """Whether it is more than a year since its owner said that what stands here is right; never is stale too."""
    return confirmed_on is None or (today - confirmed_on).days > STALE_AFTER
