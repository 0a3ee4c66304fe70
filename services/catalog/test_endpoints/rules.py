"""What a test endpoint may be, and who decides on it."""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

from services.chassis.problems import Conflict, Forbidden, Invalid, NotFound, Problem

MOST_HEADERS = 5
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")
_OURS = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "forwarded", "host"),
        *("keep-alive", "range", "referer", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "via"),
    }
)
_SECRET = re.compile(r"auth|cookie|token|secret|passw|pwd|key|credential|session|signature|jwt|bearer|^proxy-|^x-forw")


class State(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


MOVES = {
    (State.PROPOSED, Step.APPROVE): State.APPROVED,
    (State.PROPOSED, Step.REFUSE): State.REFUSED,
    (State.PROPOSED, Step.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Step.REFUSE): State.REFUSED,
    (State.APPROVED, Step.WITHDRAW): State.WITHDRAWN,
}


class EndpointNotFound(NotFound):
    """No test endpoint has this id, or it is not yours to see."""


class EndpointStepRefused(Conflict):
    """The endpoint cannot take this step from its state."""


class EndpointTaken(Conflict):
    """The product has an endpoint of this address already."""


class NotItsSupplier(Forbidden):
    """Only the product's supplier does this."""


class EndpointOfYourOwn(Forbidden):
    """An endpoint is approved by another organisation than the supplier and those that own its components."""


class SecretRefused(Invalid):
    """A secret is not kept here.

    Test environments are opened for the run, or known by a header that is no secret. Headers for login, cookies, keys
    and tokens are refused, by their name or by what their value looks like.
    """


class HeaderUnusable(Invalid):
    """This header cannot be sent along."""


class ApplicationOfAnotherProduct(Invalid):
    """The application is not about this product."""


def after(state: State, step: Step) -> State:
    following = MOVES.get((state, step))
    if following is None:
        raise EndpointStepRefused(f"Cannot {step} what is {state}.", state=state)
    return following


def check_headers(headers: Mapping[str, str]) -> list[Problem]:
    found: list[Problem] = []
    if len({name.lower() for name in headers}) < len(headers):
        found.append(HeaderUnusable("A name stands twice.", pointer="#/headers"))
    for name, value in headers.items():
        pointer = f"#/headers/{name.replace('~', '~0').replace('/', '~1')}"[:200]
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower() in _OURS:
            found.append(HeaderUnusable(pointer=pointer))
        elif _SECRET.search(name.lower()) or _looks_secret(value):
            found.append(SecretRefused(pointer=pointer))
    return found


def _looks_secret(value: str) -> bool:
    """A scheme of HTTP authentication, a JWT, or something long that no human made up."""
    one_word = " " not in value
    mixed = any(one.isdigit() for one in value) and any(one.isalpha() for one in value)
    return (
        bool(re.match(r"(?i)(basic|bearer|digest|negotiate|apikey)\s", value))
        or value.startswith("eyJ")
        or (one_word and mixed and len(value) >= 32)
    )


def check_decider(caller: str, interested: Collection[str]) -> list[Problem]:
    """By organisation number."""
    return [EndpointOfYourOwn()] if caller in interested else []
