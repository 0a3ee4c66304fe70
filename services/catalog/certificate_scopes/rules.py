"""What of its subject a certificate covers, and how that may change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from services.catalog.products.rules import order_key
from services.chassis.problems import Invalid, Problem


class ScopeNotWider(Invalid):
    """An extension adds a version or a delivery form, and takes none away."""


class ScopeNotNarrower(Invalid):
    """A reduction takes a version or a delivery form away, and adds none."""


class ScopeEmpty(Invalid):
    """A certificate covers at least one version and one delivery form of a product."""


class VersionRangeInvalid(Invalid):
    """A range of versions ends before it begins."""


@dataclass(frozen=True)
class Validity:
    """The first and the last day of a certificate."""

    from_on: date
    to_on: date


@dataclass(frozen=True)
class Scope:
    """What of its subject a certificate covers: versions by label, or from one to another in the order of labels, each
    included (None: open), or all; and delivery forms, of which a supplier or an adviser has none."""

    versions: tuple[str, ...] | None = None
    version_from: str | None = None
    version_to: str | None = None
    delivery_forms: tuple[str, ...] = ()

    @property
    def every_version(self) -> bool:
        return self.versions is None and self.version_from is None and self.version_to is None

    def covers_version(self, label: str) -> bool:
        if self.versions is not None:
            return label in self.versions
        key = order_key(label)
        after = self.version_from is None or order_key(self.version_from) <= key
        return after and (self.version_to is None or key <= order_key(self.version_to))

    def covers(self, other: "Scope") -> bool:
        """Whether it covers everything that the other one does."""
        if not set(other.delivery_forms) <= set(self.delivery_forms):
            return False
        if other.versions is not None:
            return all(map(self.covers_version, other.versions))
        if self.versions is not None:
            return False
        begins = self.version_from is None or (
            other.version_from is not None and order_key(self.version_from) <= order_key(other.version_from)
        )
        return begins and (
            self.version_to is None
            or (other.version_to is not None and order_key(other.version_to) <= order_key(self.version_to))
        )

    def with_version(self, label: str) -> "Scope":
        if self.covers_version(label):
            return self
        if self.versions is not None:
            return replace(self, versions=(*self.versions, label))
        if self.version_to is not None and order_key(self.version_to) < order_key(label):
            return replace(self, version_to=label)
        return replace(self, version_from=label)

    def detail(self) -> dict[str, Any]:
        """As it stands in the event that makes it the certificate's scope."""
        return {
            "versions": list(self.versions) if self.versions is not None else None,
            "version_from": self.version_from,
            "version_to": self.version_to,
            "delivery_forms": list(self.delivery_forms),
        }


def scope_of(detail: Mapping[str, Any]) -> Scope:
    versions = detail["versions"]
    return Scope(
        tuple(versions) if versions is not None else None,
        detail["version_from"],
        detail["version_to"],
        tuple(detail["delivery_forms"]),
    )


def check_change(before: Scope, after: Scope, *, wider: bool, has_forms: bool) -> list[Problem]:
    """`wider`: an extension; otherwise a reduction. `has_forms`: whether what is certified is delivered in forms, as
    products are."""
    found = check_scope(after, has_forms=has_forms)
    if wider and not (after.covers(before) and not before.covers(after)):
        found.append(ScopeNotWider())
    if not wider and not (before.covers(after) and not after.covers(before)):
        found.append(ScopeNotNarrower())
    return found


def check_scope(scope: Scope, *, has_forms: bool) -> list[Problem]:
    found: list[Problem] = []
    if scope.versions == () or (has_forms and not scope.delivery_forms):
        found.append(ScopeEmpty())
    begins, ends = scope.version_from, scope.version_to
    if begins is not None and ends is not None and order_key(begins) > order_key(ends):
        found.append(VersionRangeInvalid(f"{begins} comes after {ends}.", pointer="#/versions"))
    return found
