"""Has a file looked through by a process of its own, which may take only so much time and memory and writes no file.

The process that answers requests never unpacks or parses what a stranger made.
"""

import subprocess
import sys
import threading
from hashlib import sha256

import orjson

from services.chassis.db import PROJECT
from services.chassis.foreign_files.bounds import Finding, Format

CPU_SECONDS = 10
WALL_SECONDS = 30
TURN_SECONDS = 7.5
"""How long a file waits for those before it."""
AT_ONCE = 2
turns = threading.BoundedSemaphore(AT_ONCE)
MOST_REMEMBERED = 10_000
_harmless: dict[tuple[Format, bytes], None] = {}
"""Formats and hashes of files in which nothing was found, the oldest first: what goes to many is looked through once.
A mark tells nothing of a file, and is gone with the process."""
_remembering = threading.Lock()


class TooCostly(Exception):
    """The file could not be looked through within the time and memory that one may take."""


class NotExamined(Exception):
    """Nobody can look through the file just now."""


def examine(content: bytes, wanted: Format) -> list[Finding]:
    """Everything that is wrong with a file of the wanted format."""
    mark = (wanted, sha256(content).digest())
    if mark in _harmless:
        return []
    if not turns.acquire(timeout=TURN_SECONDS):
        raise NotExamined
    try:
        done = subprocess.run(
            [sys.executable, "-S", "-m", "services.chassis.foreign_files.reading", wanted, str(CPU_SECONDS)],
            input=content,
            capture_output=True,
            cwd=PROJECT,
            env={"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TooCostly from error
    except OSError as error:
        raise NotExamined from error
    finally:
        turns.release()
    if done.returncode:
        raise TooCostly
    found = [Finding(**one) for one in orjson.loads(done.stdout)]
    if not found:
        with _remembering:
            _harmless[mark] = None
            if len(_harmless) > MOST_REMEMBERED:
                del _harmless[next(iter(_harmless))]
    return found
