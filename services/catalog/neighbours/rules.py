"""Who is alike: size, county and landscape, each with its points, so that everybody can see why."""

from collections.abc import Collection
from dataclasses import dataclass

MOST_FOR_SIZE, FOR_COUNTY, MOST_FOR_USE = 40, 20, 40


@dataclass(frozen=True)
class Profile:
    """An organisation as far as likeness goes. `uses`: the things that it uses."""

    population: int | None
    county_number: str | None
    uses: frozenset[str]


@dataclass(frozen=True)
class Likeness:
    """Points for each, of 40, 20 and 40."""

    size: int
    county: int
    use: int
    common: tuple[str, ...]

    @property
    def score(self) -> int:
        return self.size + self.county + self.use


def likeness(one: Profile, other: Profile, *, factor: float) -> Likeness:
    """Size: all points for the same number of inhabitants, none at `factor` times as many or as few, evenly by ratio
    between. Use: the share of what either uses that both use."""
    common = one.uses & other.uses
    either = one.uses | other.uses
    return Likeness(
        size=_size(one.population, other.population, factor),
        county=FOR_COUNTY if one.county_number is not None and one.county_number == other.county_number else 0,
        use=round(MOST_FOR_USE * len(common) / len(either)) if either else 0,
        common=tuple(sorted(common)),
    )


def _size(one: int | None, other: int | None, factor: float) -> int:
    if not one or not other:
        return 0
    ratio = max(one, other) / min(one, other)
    return round(MOST_FOR_SIZE * max(0.0, (factor - ratio) / (factor - 1)))


@dataclass(frozen=True)
class Group:
    """A thing with those who use it."""

    thing: str
    users: tuple[int, ...]


def grouped(uses: Collection[tuple[str, int]]) -> list[Group]:
    """What most use comes first; each organisation once under each thing."""
    users: dict[str, set[int]] = {}
    for thing, organisation in uses:
        users.setdefault(thing, set()).add(organisation)
    groups = [Group(thing, tuple(sorted(found))) for thing, found in users.items()]
    return sorted(groups, key=lambda one: (-len(one.users), one.thing))
