"""What a release is called and tagged, and what packages of them say of themselves (OCDS 1.1.5)."""

from collections.abc import Mapping
from typing import Any

from services.chassis.problems import NotFound

UNREGISTERED = "ocds-000000"
"""A prefix that nobody has: a registered one is a setting."""
EXTENSIONS = tuple(
    f"https://raw.githubusercontent.com/open-contracting-extensions/ocds_{name}_extension/master/extension.json"
    for name in ("techniques", "competitive", "lots")
)
OWN_EXTENSION: dict[str, Any] = {
    "definitions": {
        "FrameworkAgreement": {
            "properties": {
                "estimatedValue": {
                    "title": "Estimated value",
                    "description": "What is expected to be called off, beside the maximum in `value` (C-23/20).",
                    "$ref": "#/definitions/Value",
                }
            }
        },
        "Award": {
            "properties": {
                "rank": {
                    "title": "Rank",
                    "description": "The supplier's rank in the lot of a framework agreement; 1 is asked first.",
                    "type": ["integer", "null"],
                }
            }
        },
    }
}
"""A patch of the release schema. OCDS 1.1 has one value for a framework agreement; 1.2 will have both."""
Content = Mapping[str, Any]


class NothingPublished(NotFound):
    """Nothing was published in this period."""


class ProcessNotFound(NotFound):
    """No contracting process that is published has this identifier."""


def tags(before: Content | None, after: Content) -> list[str]:
    """What a release is, by what it adds to the one before; both as they read. Empty: nothing, so there is none."""
    if before == after:
        return []
    if before is None:
        direct = after["tender"].get("competitive") is False  # its tender is a name only
        return [tag for section, tag in _FIRST if section in after and not (direct and section == "tender")]
    found = _changed_tender(before["tender"], after["tender"])
    found += _changed(before, after, "awards", "award", {"cancelled": "awardCancellation"})
    ended = {"terminated": "contractTermination", "cancelled": "contractTermination"}
    found += _changed(before, after, "contracts", "contract", ended)
    return found or ["awardUpdate" if "awards" in after else "tenderUpdate"]


_FIRST = (("tender", "tender"), ("awards", "award"), ("contracts", "contract"))


def _changed_tender(before: Content, after: Content) -> list[str]:
    if before == after:
        return []
    if after.get("status") == "cancelled" != before.get("status"):
        return ["tenderCancellation"]
    amended = len(after.get("amendments", [])) > len(before.get("amendments", []))
    return ["tenderAmendment" if amended else "tenderUpdate"]


def _changed(before: Content, after: Content, section: str, tag: str, ends: Mapping[str, str]) -> list[str]:
    old, new = ({one["id"]: one for one in content.get(section, [])} for content in (before, after))
    found = [tag] if new.keys() - old.keys() else []
    changed = [(old[key], new[key]) for key in new.keys() & old.keys() if old[key] != new[key]]
    for was, now in changed:
        if was["status"] != now["status"] and now["status"] in ends:
            found.append(ends[now["status"]])
        elif len(now.get("amendments", [])) > len(was.get("amendments", [])):
            found.append("contractAmendment")
        else:
            found.append(f"{tag}Update")
    return sorted(set(found))
