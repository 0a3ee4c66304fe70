"""Where tests keep a PostgreSQL: in memory where there is enough of it. Copying a database costs a twentieth there."""

import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 * 1024**3
"""A whole run needs a fifth of it."""


def folder_in_memory(prefix: str) -> Path:
    """A new folder with a short path that others may enter, on a disk where memory is scarce or not to be had so.
    What runs there outlives `kill -9` as anywhere else, only a power cut it does not."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=MEMORY if roomy else None))
    folder.chmod(0o755)
    return folder
