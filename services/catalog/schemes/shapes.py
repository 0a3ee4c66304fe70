"""Who takes part in certification, as the routes of several concepts ask for them."""

from services.chassis.auth import Caller


def is_body(viewer: Caller | None) -> bool:
    """Whether it assesses or decides, and so sees what is sent in."""
    return viewer is not None and (viewer.may("certification.assess") or viewer.may("certification.decide"))
