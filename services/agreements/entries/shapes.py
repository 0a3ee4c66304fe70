"""What narrows the ledger, in the routes of two concepts."""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, Field
from sqlmodel import Session

from services.agreements.entries import store
from services.agreements.frameworks import store as frameworks
from services.agreements.ledger.rules import Kind
from services.chassis import clock
from services.chassis.problems import Invalid, refuse
from services.chassis.values import In, OrganisationNumber, Slug


class LotWithoutAgreement(Invalid):
    """A lot is named within its framework agreement."""


class PeriodBackwards(Invalid):
    """The period ends before it begins."""


class RecordedInFuture(Invalid):
    """What will be recorded is not known yet."""


class Narrowing(In):
    """All of them together."""

    framework_agreement: Slug | None = Field(default=None, description="Only under this agreement")
    lot: Slug | None = Field(default=None, description="Only in this lot of it")
    call_off: UUID | None = Field(default=None, description="Only of this call-off")
    buyer: OrganisationNumber | None = Field(default=None, description="Only what this organisation ordered")
    supplier: OrganisationNumber | None = Field(default=None, description="Only what this organisation supplies")
    kind: list[Kind] = Field(default=[], max_length=4, description="Any of these; repeat it for several")
    effective_from_on: date | None = Field(default=None, description="From this day on")
    effective_to_on: date | None = Field(default=None, description="Up to and with this day")
    back_dated: bool | None = Field(
        default=None, description="Only what was recorded after the day of its effect and explained, or only others"
    )
    known_at: AwareDatetime | None = Field(default=None, description="As it was recorded at this instant")

    def selection(self, session: Session, viewer: str | None) -> store.Selection:
        """Names looked up; what the viewer may not know of is not found."""
        problems: list[Invalid] = []
        if self.lot and not self.framework_agreement:
            problems.append(LotWithoutAgreement("Say framework_agreement too.", pointer="?lot"))
        if self.effective_from_on and self.effective_to_on and self.effective_to_on < self.effective_from_on:
            problems.append(PeriodBackwards(pointer="?effective_to_on"))
        if self.known_at and self.known_at > clock.now():
            problems.append(RecordedInFuture(pointer="?known_at"))
        refuse(problems)
        framework_id = lot_id = None
        if self.framework_agreement:
            framework_id = frameworks.visible(session, self.framework_agreement, viewer).id or 0
        if self.lot:
            lot_id = frameworks.lot(session, framework_id or 0, self.lot).id
        return store.Selection(
            framework_id,
            lot_id,
            self.call_off,
            self.buyer,
            self.supplier,
            tuple(self.kind),
            self.effective_from_on,
            self.effective_to_on,
            self.back_dated,
            self.known_at,
        )
