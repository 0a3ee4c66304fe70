"""What the catalogue asks of integration: who has an organisation number, by Enhetsregisteret."""

from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ValidationError

from services.chassis.http import Neighbour
from services.chassis.problems import NeighbourAway, NeighbourNonsense


class Lookup(BaseModel):
    """Only what we keep; integration may say more."""

    organisation_number: str
    standing: str
    name: str | None = None
    fetched_at: AwareDatetime
    stale: bool


class Integration:
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    def look_up(self, number: str) -> tuple[str, str | None, datetime]:
        """→ how the number stands in the register, whose it is, and when the register said so. Raises NeighbourAway
        when nobody can say now: an old answer is not good enough to verify by."""
        status, body = self._neighbour.read("GET", f"/lookups/{number}")
        if status != 200:
            raise NeighbourNonsense(f"Integration answered {status} to a look-up.")
        try:
            found = Lookup.model_validate(body)
        except ValidationError as error:
            raise NeighbourNonsense("Integration's answer has another shape than agreed.") from error
        if found.stale:
            raise NeighbourAway("Enhetsregisteret cannot be asked.")
        return found.standing, found.name, found.fetched_at
