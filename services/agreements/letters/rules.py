"""What letters there are, who writes them, what can stand on paper, and what one that does not arrive means."""

import re
import unicodedata
from enum import StrEnum


class Kind(StrEnum):
    """What a letter is about."""

    ORDER = "order"
    CANCELLATION = "cancellation"
    CONFIRMATION = "confirmation"
    DECLINED = "declined"
    CHANGE = "change"
    CHANGE_REQUEST = "change_request"
    COMPLAINT = "complaint"
    RECALL = "recall"
    RECALL_ENDED = "recall_ended"


URGENT = frozenset({Kind.CANCELLATION, Kind.RECALL})
"""What a supplier should know before it delivers, or a buyer before it goes on using."""
FROM_SUPPLIER = frozenset({Kind.CONFIRMATION, Kind.DECLINED})
"""Letters that the supplier writes to the buyer."""


def about(kind: str) -> Kind:
    """The second and later letters of a kind about one call-off are numbered: `complaint-2`."""
    return Kind(kind.partition("-")[0])


class Language(StrEnum):
    """What a letter can be written in."""

    NB = "nb"
    NN = "nn"
    EN = "en"


def language(form: str | None) -> Language:
    """The language that a municipality writes and is written to in, by the form of Norwegian (målform) that it has
    decided on; bokmål where it is neutral or nobody knows."""
    return Language.NN if form == "nn" else Language.NB


def printable(text: str) -> str:
    """Without what has no place on paper: control, private and unassigned characters, which no archive takes."""
    return "".join(" " if unicodedata.category(one) in ("Cc", "Cs", "Co", "Cn") else one for one in text)


_ELSEWHERE = re.compile(r"[^\u0000-\u024f\u1e00-\u1eff\u2010-\u202f\u20ac\u2122]")


def in_latin(text: str) -> str:
    """With a box in the place of whatever is not of the Latin script, which is all that the letters' fonts are sure to
    have."""
    return _ELSEWHERE.sub("\u25a1", text)


DEAD = frozenset({"failed", "failed_final", "cancelled", "refused"})
"""It does not come to its recipient unless somebody does something."""
_MEANS = {
    "order": "The supplier has not got the order. Its time to answer does not run out meanwhile; have the letter tried "
    "again, tell the supplier otherwise, or cancel the order.",
    "cancellation": "The supplier has not been told that the order is cancelled, and may deliver. Tell it otherwise.",
    "change": "The supplier has not been told of the change, which holds all the same. Tell it otherwise.",
    "confirmation": "The buyer has not got the confirmation, which holds all the same and stands here.",
}
_OTHERWISE = "The recipient has not got this letter. What it is about holds all the same; tell it otherwise."


def consequence(kind: str, status: str | None) -> str | None:
    """What a letter that does not arrive means for its call-off, for people; None when there is nothing to say. `kind`
    may have a number at its end."""
    if status not in DEAD:
        return None
    return _MEANS.get(kind.partition("-")[0], _OTHERWISE)
