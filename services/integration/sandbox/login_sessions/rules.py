"""Whether a session that a browser has still counts for what is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.integration.sandbox.providers.rules import ENTRA, Provider, reaches

TESTED = ("TestID",)
"""`amr` of every login here, so that nobody takes a token of ours for a real one."""
BY_ENTRA = ("entraid_pwd", "entraid_mfa")


@dataclass(frozen=True)
class LoginSession:
    sid: str
    person: int
    acr: str
    logged_in_at: datetime
    seen_at: datetime

    @property
    def amr(self) -> tuple[str, ...]:
        return BY_ENTRA if self.acr == ENTRA else TESTED


def lives(session: LoginSession, provider: Provider, now: datetime) -> bool:
    return now < session.seen_at + provider.lives.session_idle and now < session.logged_in_at + provider.lives.session


def suffices(
    session: LoginSession, provider: Provider, wanted: Sequence[str], max_age: int | None, now: datetime
) -> bool:
    """Whether one need not log in again: the session lives, is young enough, and reaches the level (step-up)."""
    young = max_age is None or (now - session.logged_in_at).total_seconds() <= max_age
    return young and lives(session, provider, now) and reaches(provider.levels, session.acr, wanted)
