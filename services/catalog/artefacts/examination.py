"""Has a document examined by a process of its own, which may take only so much time and memory.

Parsers and validators of foreign formats are many, old and clever; a document can be made so that one of them computes
for ever or takes all memory. The process that answers requests never reads one.
"""

import subprocess
import sys
import threading

import orjson

from services.catalog.artefacts import rules
from services.catalog.artefacts.rules import Examined, Finding, Format
from services.chassis.db import PROJECT

CPU_SECONDS = 15
WALL_SECONDS = 40
AT_ONCE = 2
_turn = threading.BoundedSemaphore(AT_ONCE)


def examine(content: bytes, media_type: str, *, cpu_seconds: int = CPU_SECONDS) -> Examined:
    """What the document is, and everything that is wrong with it. Nothing that it refers to is fetched."""
    if not content:
        raise rules.ArtefactMissing("Send the document as the request's body.")
    if not _turn.acquire(timeout=WALL_SECONDS / 4):
        raise rules.ExaminersBusy
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "services.catalog.artefacts.formats", media_type, str(cpu_seconds)],
            input=content,
            capture_output=True,
            cwd=PROJECT,
            env={"PYTHONUTF8": "1"},
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise rules.ArtefactTooCostly from error
    finally:
        _turn.release()
    if done.returncode:
        raise rules.ArtefactTooCostly
    head, _, document = done.stdout.partition(b"\n")
    told = orjson.loads(head)
    return Examined(
        format=Format(told["format"]) if told["format"] else None,
        specification_version=told["specification_version"],
        title=told["title"],
        complete=told["complete"],
        external_references=tuple(told["external_references"]),
        findings=tuple(Finding(**one) for one in told["findings"]),
        unsafe=told["unsafe"],
        document=document or None,
    )
