"""What letters a mini-competition sends, and what one that does not arrive means."""

from enum import StrEnum

from services.agreements.letters.rules import DEAD


class Kind(StrEnum):
    """What a round of letters is about; each has as many rounds as it happens."""

    INVITATION = "invitation"
    QUESTIONS = "questions"
    AMENDMENT = "amendment"
    AWARD = "award"
    AWARD_WITHDRAWN = "award_withdrawn"
    CANCELLATION = "cancellation"
    UNSUCCESSFUL = "unsuccessful"


TO_BIDDERS = frozenset({Kind.AWARD, Kind.AWARD_WITHDRAWN})
"""To those whose bids were opened; the other letters go to everybody who is invited, so that none of them tells who
has bid."""
URGENT = frozenset({Kind.AMENDMENT, Kind.CANCELLATION})
"""What a supplier should know before it goes on working on its bid."""
_MEANS = {
    Kind.INVITATION: "The supplier has not got the invitation. It is invited all the same and can bid; tell it "
    "otherwise, in time before the deadline.",
    Kind.AMENDMENT: "The supplier has not been told of the change, which holds all the same. Tell it otherwise, in "
    "time before the deadline.",
    Kind.AWARD: "The bidder has not been told of the award with its reasons. Tell it otherwise.",
}
_OTHERWISE = "The recipient has not got this letter. What it is about holds all the same; tell it otherwise."


def consequence(kind: Kind, status: str | None) -> str | None:
    """What a letter that does not arrive means, for people; None when there is nothing to say."""
    return _MEANS.get(kind, _OTHERWISE) if status in DEAD else None
