"""wrk and pgbench: how often a second, how fast, how many answers that were not the expected ones."""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32


@dataclass(frozen=True)
class Round:
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int


P95 = 'function done(summary, latency)\n  io.write(string.format("   95%%  %fus\\n", latency:percentile(95)))\nend\n'


def wrk(url: str, seconds: int, lua: str = "", connections: int = CONNECTIONS) -> Round:
    """One round of wrk with one thread. `lua` may set method, body and headers."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("bench: wrk is not installed (Debian's package wrk).")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(lua + P95)
        script.flush()
        command = [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name, url]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"bench: wrk failed: {ran.stderr[-1500:]}{ran.stdout[-500:]}\n{lua}")
    said = ran.stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    sockets = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    return Round(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        _ms(_found(r"^\s+50%\s+(\S+)\s*$", said)),
        _ms(_found(r"^\s+95%\s+(\S+)\s*$", said)),
        _ms(_found(r"^\s+99%\s+(\S+)\s*$", said)),
        int(bad[1] if bad else 0) + (sum(map(int, sockets.groups())) if sockets else 0),
    )


def pgbench(program: Path, url: str, script: str, seconds: int, clients: int) -> Round:
    """Run a script of SQL as fast as the database takes it."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        command = [str(program), "-n", "-M", "simple", f"-c{clients}", "-j1", f"-T{seconds}", "-f", file.name, url]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"bench: pgbench failed: {ran.stderr[-1500:]}\n{script}")
    said = ran.stdout
    failed = re.search(r"number of failed transactions: (\d+)", said)
    average = float(_found(r"latency average = ([\d.]+) ms", said))
    return Round(float(_found(r"tps = ([\d.]+)", said)), average, average, average, int(failed[1] if failed else 0))


def _found(pattern: str, said: str) -> str:
    match = re.search(pattern, said, re.MULTILINE)
    if match is None:
        raise SystemExit(f"bench: no {pattern!r} in:\n{said}")
    return match[1]


def _ms(text: str) -> float:
    number, unit = float(re.sub(r"[a-z]+", "", text)), re.sub(r"[\d.]+", "", text)
    return number * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]
