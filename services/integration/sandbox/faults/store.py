"""The faults that wait for a request, kept in memory, as a restart is to mend everything; and scenarios, in files."""

import threading
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from services.chassis.problems import NeighbourNonsense, NotFound
from services.integration.sandbox.faults.rules import Fault


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
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self.cleared = 0
        """How often all faults were taken away; whoever hangs lets go when it changes."""

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def take(self, stand_in: str, method: str, path: str) -> Fault | None:
        """The oldest fault that strikes this request, which is one time less after that."""
        with self._lock:
            for at, fault in enumerate(self._faults):
                if fault.strikes(stand_in, method, path):
                    self._faults[at : at + 1] = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    return fault
        return None

    def remove(self, id: UUID) -> None:
        with self._lock:
            kept = [fault for fault in self._faults if fault.id != id]
            if len(kept) == len(self._faults):
                raise FaultMissing(f"No fault {id} is waiting; it may have struck already.")
            self._faults = kept

    def clear(self) -> None:
        with self._lock:
            self._faults = []
            self.cleared += 1
