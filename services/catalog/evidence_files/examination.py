"""Has a file looked through by a process of its own, which may take only so much time and memory and writes no file.

The process that answers requests never unpacks or parses what a stranger made.
"""

import subprocess
import sys
import threading

import orjson

from services.catalog.evidence_files import rules
from services.catalog.evidence_files.rules import Finding
from services.chassis.db import PROJECT

CPU_SECONDS = 10
WALL_SECONDS = 30
AT_ONCE = 2
_turn = threading.BoundedSemaphore(AT_ONCE)


def examine(content: bytes, media_type: str) -> list[Finding]:
    """Everything that is wrong with a file of one of `rules.MEDIA_TYPES`."""
    if not _turn.acquire(timeout=WALL_SECONDS / 4):
        raise rules.ExaminersOfEvidenceBusy
    try:
        done = subprocess.run(
            [sys.executable, "-m", "services.catalog.evidence_files.reading", media_type, str(CPU_SECONDS)],
            input=content,
            capture_output=True,
            cwd=PROJECT,
            env={"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise rules.EvidenceTooCostly from error
    finally:
        _turn.release()
    if done.returncode:
        raise rules.EvidenceTooCostly
    return [Finding(**one) for one in orjson.loads(done.stdout)]
