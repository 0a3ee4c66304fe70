"""The files that the seed data stand in, and what was loaded of them."""

import csv
import json
import re
from pathlib import Path
from typing import Any

from sqlmodel import Session

from services.chassis import audit
from services.chassis.db import PROJECT

DATA = PROJECT / "data"


def read(name: str) -> list[dict[str, str]]:
    with Path(DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def fictional(name: str) -> Any:
    """A file of what is made up; it says so itself."""
    return json.loads((DATA / "fictional" / name).read_text())


def told(session: Session, action: str, subject: str, loaded: int) -> int:
    if loaded:
        audit.record(session, None, action, subject, loaded=loaded)
    return loaded


def number(text: str) -> int | None:
    return int(text) if text else None


_FOLDED = str.maketrans({"æ": "ae", "ø": "o", "å": "a", "é": "e"})


def slugged(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower().translate(_FOLDED)).strip("-")
