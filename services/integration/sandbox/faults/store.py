"""The faults that wait for a request, kept in memory, as a restart is to mend everything; and scenarios, in files."""

import random
import threading
import time
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from services.chassis.problems import NeighbourNonsense, NotFound
from services.integration.sandbox.faults.rules import BESIDE_OTHERS, Fault, Kind

ONE_AT_A_TIME = set(Kind) - BESIDE_OTHERS


class FaultMissing(NotFound):
    """No such fault is waiting."""


class ScenarioMissing(NotFound):
    """No scenario has this name."""


class ScenarioUnreadable(NeighbourNonsense):
    """The scenario's file cannot be used."""


def scenario_names(folder: Path) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.json"))


def scenario(folder: Path, name: str) -> bytes:
    """A scenario's file as it is just now. `name` is one of those that there are, so that no path can be made of it."""
    if name not in scenario_names(folder):
        raise ScenarioMissing(f"No scenario is called {name!r}.")
    return (folder / f"{name}.json").read_bytes()


class Register:
    def __init__(self) -> None:
        self._faults: list[tuple[Fault, float]] = []
        """With when each was arranged, in seconds of a clock that nobody sets."""
        self._lock = threading.Lock()
        self.cleared = 0
        """How often all faults were taken away; whoever hangs lets go when it changes."""

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append((fault, time.monotonic()))

    def waiting(self) -> list[Fault]:
        """Those whose time is over are gone."""
        with self._lock:
            now = time.monotonic()
            self._faults = [(fault, since) for fault, since in self._faults if not fault.is_over(now - since)]
            return [fault for fault, _ in self._faults]

    def take(self, stand_in: str, method: str, path: str) -> Fault | None:
        """The oldest fault that strikes this request, which is one time less after that."""
        return self._take(stand_in, method, path, ONE_AT_A_TIME)

    def lag(self, stand_in: str, method: str, path: str) -> float:
        """By how many seconds this request's look-up is behind."""
        fault = self._take(stand_in, method, path, {Kind.LAGGING_LOOKUP})
        return fault.lag(random.random()) if fault else 0

    def _take(self, stand_in: str, method: str, path: str, kinds: Set[Kind]) -> Fault | None:
        if not self._faults:
            return None
        with self._lock:
            now = time.monotonic()
            for at, (fault, since) in enumerate(self._faults):
                if (
                    fault.kind in kinds
                    and fault.strikes(stand_in, method, path, age=now - since)
                    and (fault.share == 1 or random.random() < fault.share)
                ):
                    left = [(replace(fault, times=fault.times - 1), since)] if fault.times > 1 else []
                    self._faults[at : at + 1] = left
                    return fault
        return None

    def remove(self, id: UUID) -> None:
        with self._lock:
            kept = [(fault, since) for fault, since in self._faults if fault.id != id]
            if len(kept) == len(self._faults):
                raise FaultMissing(f"No fault {id} is waiting; it may have struck already.")
            self._faults = kept

    def clear(self) -> None:
        with self._lock:
            self._faults = []
            self.cleared += 1
