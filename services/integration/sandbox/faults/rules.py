"""Which kinds of faults there are, and which requests one strikes."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class StandIn(StrEnum):
    MASKINPORTEN = "maskinporten"
    IDPORTEN = "idporten"
    ANSATTPORTEN = "ansattporten"
    SVARUT = "svarut"


class Kind(StrEnum):
    DELAY = "delay"
    STATUS = "status"
    DROP_BEFORE = "drop_before"
    DROP_AFTER = "drop_after"
    HANG = "hang"
    TRUNCATED = "truncated"
    WRONG_CONTENT_TYPE = "wrong_content_type"


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Fault:
    id: UUID
    stand_in: StandIn
    kind: Kind
    times: int
    method: str | None
    path_prefix: str
    seconds: float
    moment: Moment
    status: int
    body: str
    content_type: str

    def strikes(self, stand_in: str, method: str, path: str) -> bool:
        return (
            self.stand_in == stand_in
            and (self.method is None or self.method == method)
            and path.startswith(self.path_prefix)
        )
