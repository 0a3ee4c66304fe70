"""What a profile may hold."""

from collections.abc import Collection, Sequence

from services.chassis.problems import Invalid, Problem


class ProfileRequirementUnknown(Invalid):
    """The specification's version has no such requirement."""


class ProfileRequirementRepeated(Invalid):
    """A requirement stands twice in the profile."""


class ProfileWithoutMust(Invalid):
    """A profile holds at least one must requirement, or nothing could fail it."""


def check(wanted: Sequence[str], known: Collection[str], musts: Collection[str]) -> list[Problem]:
    """`wanted`: ids of requirements; `known`: those of the version; `musts`: the must requirements among them."""
    found: list[Problem] = []
    seen: set[str] = set()
    for place, one in enumerate(wanted):
        pointer = f"#/requirements/{place}"
        if one not in known:
            found.append(ProfileRequirementUnknown(f"There is no {one!r}.", pointer=pointer))
        elif one in seen:
            found.append(ProfileRequirementRepeated(f"{one} stands twice.", pointer=pointer))
        seen.add(one)
    if not seen & set(musts):
        found.append(ProfileWithoutMust(pointer="#/requirements"))
    return found
