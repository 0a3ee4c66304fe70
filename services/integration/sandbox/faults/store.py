"""The faults that wait for a request. Kept in memory: the sandbox is one process, and a restart mends everything."""

import threading
from dataclasses import replace
from uuid import UUID

from services.chassis.problems import NotFound
from services.integration.sandbox.faults.rules import Fault


class FaultMissing(NotFound):
    """No such fault is waiting."""


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
