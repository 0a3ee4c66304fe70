"""Which concerns there are, and how long is too long."""

from enum import StrEnum

from services.integration.dispatches.rules import Priority, State


class Kind(StrEnum):
    STUCK = "stuck"
    """It waits, and no job is there that would hand it over."""
    LATE = "late"
    """It has waited too long to be handed over."""
    UNKNOWN = "unknown"
    """Nobody knows whether SvarUT has it, or SvarUT calls its status something that we do not know."""
    SILENT = "silent"
    """SvarUT has it, and has told nothing new for too long."""
    UNREAD = "unread"
    """Its recipient has not read it in time, and it did not go to print."""


LATE_SECONDS = {Priority.NORMAL: 3600, Priority.URGENT: 300}
SILENT_SECONDS = {State.RECEIVED: 86_400, State.ACCEPTED: 86_400, State.IN_PRINT: 7 * 86_400}
"""Without news in a state: a letter is accepted within the day, and printed within a week."""
