"""Which news of a certificate an open call-off is told."""

TAKEN_AWAY = frozenset({"suspended", "withdrawn", "relinquished", "condition_overdue", "stay_ended", "scope_reduced"})
"""After these the product may no longer be certified as it was ordered."""
GIVEN_BACK = frozenset({"restored", "stayed", "annulled", "scope_extended"})
"""After these it may be again. They are told only where it was told before that something was taken away."""
TOLD = TAKEN_AWAY | GIVEN_BACK
"""Events of a certificate by the catalogue's names. What the catalogue may come to tell besides is passed over."""


def told(kind: str, *, told_before: bool) -> bool:
    return kind in TAKEN_AWAY or (kind in GIVEN_BACK and told_before)
