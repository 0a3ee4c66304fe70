"""The process that tests a stranger's endpoint: job as JSON on standard input, outcome as JSON on standard output.

It bounds itself before it reads anything: memory, processor time, open files, and no process, thread or file of its
own (kernel limits that it cannot raise again). It has no database, no key and nothing in its environment; started by
root it becomes nobody, as the kernel never counts root's processes. From then on it opens no connection but to the
address that was checked, and reads no file but Python's own.
"""

import ctypes
import importlib
import json
import os
import pkgutil
import resource
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

NOBODY = 65534
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
OPEN_FILES = 64
OUT_OF_MEMORY = 77
"""The exit code that says so."""
_FORBIDDEN = frozenset(
    {
        *("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"),
        *("socket.bind", "socket.sendto", "socket.sendmsg", "socket.gethostbyname", "socket.gethostbyaddr"),
        *("socket.getaddrinfo", "socket.getnameinfo", "ctypes.dlopen", "pty.spawn"),
    }
)


class Left(BaseException):
    """Something tried what this process never does."""


def bound(memory_bytes: int, cpu_seconds: int, parent: int) -> None:
    """What the kernel holds from here on, whatever happens in here."""
    for limit, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 2))
    _ask_kernel(PR_SET_NO_NEW_PRIVS, 1)
    die_with(parent)


def die_with(parent: int) -> None:
    """Ended by the kernel in the moment in which the worker is."""
    _ask_kernel(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it has died already, and its signal came too early to be asked for
        sys.exit("the worker is gone")


def _ask_kernel(option: int, value: int) -> None:
    kernel = ctypes.CDLL(None, use_errno=True)
    if kernel.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def become_nobody(parent: int) -> None:
    """Root may start as many processes as it likes and read every file."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        die_with(parent)  # who becomes another is asked anew


def read_libraries() -> None:
    """All that is needed is read now: nobody may not be allowed to later."""
    for name in ("schemathesis", "encodings", "hypothesis.strategies", "hypothesis.internal", "hypothesis.vendor"):
        package = importlib.import_module(name)
        for one in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not one.name.startswith(_NOT_NEEDED):
                importlib.import_module(one.name)
    for name in ("idna", "zoneinfo", "stringprep", "charset_normalizer"):
        importlib.import_module(name)
    from hypothesis.internal import charmap

    charmap.charmap()
    charmap.intervals_from_codec("utf-8")


_NOT_NEEDED = (
    *("schemathesis.cli", "schemathesis.pytest", "schemathesis.graphql", "schemathesis.reporting"),
    *("schemathesis.specs.graphql", "encodings.mbcs", "encodings.oem", "encodings.cp65001"),
)


def watch_over(addresses: Collection[str], port: int) -> None:
    """Refuse, below every library, what is not meant to happen. An audit hook cannot be taken away again."""
    may_connect = {(one, port) for one in addresses}
    code = Path(__file__).parents[2]  # our own, and nothing that lies beside it
    folders = {str(code), *(one for one in (*sys.path, sys.prefix, sys.base_prefix) if one)} - {str(code.parent)}
    readable = tuple({one + os.sep for folder in folders for one in (folder, os.path.realpath(folder))})

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event in _FORBIDDEN:
            raise Left(event)
        if event == "socket.connect" and tuple(given[1][:2]) not in may_connect:
            raise Left(f"{event} {given[1]}")
        if event == "open" and isinstance(given[0], str | bytes):
            path = os.fsdecode(given[0])
            if ".." in path.split(os.sep) or not path.startswith(readable):
                raise PermissionError(13, "not for this process", path)

    sys.addaudithook(hook)


def main() -> None:
    memory, cpu, parent = (int(one) for one in sys.argv[1:4])
    bound(memory, cpu, parent)
    status = os.open("/proc/self/status", os.O_RDONLY)  # while it still may
    try:
        outcome = _work(json.loads(sys.stdin.buffer.read()), parent)
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    outcome["memory_bytes"] = _most_memory(os.pread(status, 65536, 0).decode())
    written = json.dumps(outcome, ensure_ascii=False, separators=(",", ":")).encode()
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()
    os._exit(0)  # nothing in here needs an orderly end


def _most_memory(status: str) -> int:
    """What `wait` tells is too much: it counts what the worker had when it started this process."""
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def _work(job: dict[str, Any], parent: int) -> dict[str, Any]:
    from services.catalog.addresses import rules as addresses
    from services.catalog.conformance_runs.rules import Limits, Reason
    from services.catalog.conformance_runs.wire import Stopped, Wire, checked

    limits = Limits(**job["limits"])
    exempts = [addresses.exempt(one) for one in job["exempts"]]
    target = addresses.parse(job["base_url"])
    try:
        if target.host not in job["hosts"]:
            raise Stopped(Reason.ADDRESS_REFUSED, f"{target.host} is not on the list of approved hosts")
        pinned = checked(target, job["name_server"], exempts)
        wire = Wire(target, pinned, exempts, limits, job["authorities"])
        read_libraries()
        become_nobody(parent)
        watch_over(pinned, target.port)
        from services.catalog.conformance_runs.trial import Trial

        report = Trial(job["contract"], target.url, wire, limits, job["headers"]).run()
    except Stopped as stopped:
        return {"stopped": stopped.reason, "detail": stopped.detail}
    except Left as left:
        return {"stopped": Reason.BROKEN, "detail": f"the run tried what it must not: {left}"}
    return {"report": report | {"addresses": pinned}}


if __name__ == "__main__":
    main()
