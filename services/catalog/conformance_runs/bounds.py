"""Starts the process that tests, watches over it, and ends it with all that belongs to it when its time is over."""

import atexit
import json
import os
import select
import selectors
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

from services.catalog.conformance_runs import rules
from services.catalog.conformance_runs.rules import Limits, Outcome, Reason, Step
from services.chassis.db import PROJECT

LOOK_SECONDS = 1.0
"""Between two looks at whether the run is still wanted."""
OUT_OF_MEMORY = 77
LARGEST_OUTPUT = 2 * rules.LARGEST_REPORT
LONGEST_DETAIL = 500


_ENVIRONMENT = {
    "PYTHONPATH": str(PROJECT),
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True)
class Job:
    """All that the process is told."""

    contract: Mapping[str, Any]
    base_url: str
    hosts: Sequence[str]
    """The allow-list: of this product, approved."""
    headers: Mapping[str, str]
    limits: Limits
    exempts: Sequence[str] = ()
    name_server: str | None = None
    authorities: str | None = None


@dataclass(frozen=True)
class Used:
    """What the process took, as the kernel counted it."""

    elapsed_seconds: float
    cpu_seconds: float
    memory_bytes: int | None
    """The most that it had in memory at a time, where it lived to tell."""
    exit_code: int


@cache
def _characters() -> str:
    """A folder with what Hypothesis knows about characters. To work that out takes it a second and 200 MB, which each
    run would have to spare; so it is done once by each worker, and only read by the runs."""
    folder = tempfile.TemporaryDirectory(prefix="sv-characters-")
    atexit.register(folder.cleanup)
    work = "from hypothesis.internal import charmap; charmap.charmap(); charmap.intervals_from_codec('utf-8')"
    environment = _ENVIRONMENT | {"HYPOTHESIS_STORAGE_DIRECTORY": folder.name}
    subprocess.run([sys.executable, "-P", "-s", "-c", work], env=environment, check=True, timeout=60)
    for path in [Path(folder.name), *Path(folder.name).rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder.name


def run(job: Job, *, wanted: Callable[[], bool] = lambda: True) -> tuple[Outcome | None, Used]:
    """Test an endpoint. → what became of it (None when it was not `wanted` any more), and what that took"""
    limits = job.limits
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="sv-run-") as empty, tempfile.TemporaryFile() as given:
        os.chmod(empty, 0o755)
        given.write(json.dumps(asdict(job), ensure_ascii=True).encode())
        given.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-W", "ignore", "-m", "services.catalog.conformance_runs.runner"]
            + [str(one) for one in (limits.memory_bytes, limits.cpu_seconds, os.getpid())],
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=empty,
            env=_ENVIRONMENT | {"HYPOTHESIS_STORAGE_DIRECTORY": _characters()},
            start_new_session=True,
        )
        until = started + limits.wall_seconds
        output, errors, ended = _watched(process, until, wanted)
        code, usage = _reaped(process, until, ended)
    outcome, memory = _outcome(output, errors, ended, code)
    return outcome, Used(round(monotonic() - started, 3), round(usage.ru_utime + usage.ru_stime, 3), memory, code)


def _watched(
    process: subprocess.Popen[bytes], until: float, wanted: Callable[[], bool]
) -> tuple[bytes, bytes, str | None]:
    """→ (output, the end of its errors, why it was ended: `time`, `unwanted` or `output`)"""
    assert process.stdout
    assert process.stderr
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as both:
        both.register(process.stdout, selectors.EVENT_READ, output)
        both.register(process.stderr, selectors.EVENT_READ, errors)
        looked = monotonic()
        while both.get_map():
            left = until - monotonic()
            if left <= 0:
                return bytes(output), bytes(errors), "time"
            if monotonic() - looked >= LOOK_SECONDS:
                looked = monotonic()
                if not wanted():
                    return bytes(output), bytes(errors), "unwanted"
            for key, _ in both.select(min(left, LOOK_SECONDS)):
                piece = os.read(key.fd, 65536)
                if not piece:
                    both.unregister(key.fileobj)
                key.data.extend(piece)
            del errors[:-4096]
            if len(output) > LARGEST_OUTPUT:
                return b"", bytes(errors), "output"
    return bytes(output), bytes(errors), None


def _reaped(process: subprocess.Popen[bytes], until: float, ended: str | None) -> tuple[int, Any]:
    """End the whole group, so that nothing of it is left, and ask the kernel what it took."""
    if process.stdout and process.stderr:
        process.stdout.close()
        process.stderr.close()
    if ended is None:  # it has told all, and is about to end by itself
        watched = os.pidfd_open(process.pid)
        select.select([watched], [], [], max(0, until - monotonic()))
        os.close(watched)
    os.killpg(process.pid, signal.SIGKILL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def _outcome(output: bytes, errors: bytes, ended: str | None, code: int) -> tuple[Outcome | None, int | None]:
    if ended == "unwanted":
        return None, None
    if ended == "time":
        return Outcome(Step.TIME_OUT, reason=Reason.TOO_MUCH_TIME, detail="it was ended from outside"), None
    if ended == "output":
        return _failed(Reason.BROKEN, "it told more than a report may hold"), None
    if code == -signal.SIGXCPU:
        return _failed(Reason.TOO_MUCH_PROCESSOR_TIME, "the kernel ended it"), None
    if code == OUT_OF_MEMORY or (code and (b"MemoryError" in errors or b"memory allocation" in errors)):
        return _failed(Reason.TOO_MUCH_MEMORY, "the kernel gave it no more"), None
    try:
        told = json.loads(output)
    except ValueError:
        last = errors.decode("utf-8", "replace").strip().rpartition("\n")[2]
        return _failed(Reason.BROKEN, f"it ended with {code}: {last}"[:LONGEST_DETAIL]), None
    if "stopped" in told:
        return _failed(Reason(told["stopped"]), str(told["detail"])[:LONGEST_DETAIL]), told["memory_bytes"]
    return rules.judge(told["report"]), told["memory_bytes"]


def _failed(reason: Reason, detail: str) -> Outcome:
    return Outcome(Step.FAIL, reason=reason, detail=detail)
