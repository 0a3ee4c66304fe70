"""Who takes part in certification, as the routes of several concepts ask for them."""

from typing import Annotated

from services.chassis.auth import Caller, needs_one_of

Certifying = Annotated[Caller, needs_one_of("certification.apply", "certification.assess", "certification.decide")]
"""An applicant, an assessor or a decision-maker."""


def is_body(viewer: Caller | None) -> bool:
    """Whether it assesses or decides, and so sees what is sent in."""
    return viewer is not None and (viewer.may("certification.assess") or viewer.may("certification.decide"))
