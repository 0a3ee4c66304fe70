"""How a signing goes, and how REST v1 and v2 tell of it."""

from datetime import datetime
from enum import StrEnum

from services.chassis.problems import Conflict
from services.integration.sandbox.svarut.rules import Status

SIGNED_TYPE = "ks.signertforsendelse"
"""The forsendelsestype of the letter that brings the signed document."""


class Step(StrEnum):
    """As REST v1 writes them. KS shows the first four; v2's enum tells of the others."""

    REGISTERED = "SigneringsoppdragRegistrert"
    STARTED = "SigneringsoppdragStartet"
    COMPLETED = "SigneringsoppdragFullfort"
    REFUSED = "SigneringsoppdragAvvistAvMottaker"
    REJECTED = "SigneringsoppdragAvvistAvSvarUt"
    EXPIRED = "SigneringsoppdragUtlopt"


class SigningStatus(StrEnum):
    """As REST v2 writes them."""

    AVVIST_AV_SVARUT = "AVVIST_AV_SVARUT"
    VENTER_SIGNERING = "VENTER_SIGNERING"
    SIGNERT_AV_MOTTAKER = "SIGNERT_AV_MOTTAKER"
    AVVIST_AV_MOTTAKER = "AVVIST_AV_MOTTAKER"
    UTLOPT = "UTLOPT"


STATUSES = {
    Step.REGISTERED: SigningStatus.VENTER_SIGNERING,
    Step.STARTED: SigningStatus.VENTER_SIGNERING,
    Step.COMPLETED: SigningStatus.SIGNERT_AV_MOTTAKER,
    Step.REFUSED: SigningStatus.AVVIST_AV_MOTTAKER,
    Step.REJECTED: SigningStatus.AVVIST_AV_SVARUT,
    Step.EXPIRED: SigningStatus.UTLOPT,
}
ENDS = {Step.COMPLETED, Step.REFUSED, Step.REJECTED, Step.EXPIRED}


class NothingToSign(Conflict):
    """The letter has nothing to sign, or no longer."""


def end_by_itself(status: Status, status_since: datetime, expires_at: datetime, now: datetime) -> Step | None:
    """What ends a signing that its recipient has not ended. That a letter went to print does not."""
    if status in (Status.AVVIST, Status.FEILET_UNDER_MOTTAK) and status_since < expires_at:
        return Step.REJECTED
    return Step.EXPIRED if now >= expires_at else None
