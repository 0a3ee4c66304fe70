"""Other people's way of doing the same, as programs of their own in an environment of their own."""

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

HERE = Path(__file__).parent
ENVIRONMENT = HERE.parents[1] / ".samvirke" / "peers"
PROGRAMS = HERE.parents[1] / ".samvirke" / "node-peers"
PORT, MEASURED = 18101, 0
FILL = """
CREATE TABLE IF NOT EXISTS peer_component (id serial PRIMARY KEY, slug varchar UNIQUE, name json, description json,
    kind varchar, reuse varchar, level varchar, owner varchar, status varchar, created_at timestamp,
    updated_at timestamp);
TRUNCATE peer_component;
INSERT INTO peer_component (slug, name, description, kind, reuse, level, owner, status, created_at, updated_at)
SELECT c.slug, c.name, c.summary, c.kind, c.reuse, c.level, o.name, c.life_cycle, now(), now()
  FROM component c LEFT JOIN organisation o ON o.id = c.owner_id ORDER BY c.sort_key, c.slug;
ANALYZE peer_component;
"""


@contextmanager
def flask(urls: dict[str, str]) -> Iterator[str]:
    """Flask + SQLAlchemy under gunicorn on the measured core, with the same rows. → its page of 20"""
    with psycopg.connect(urls["catalog"]) as connection:
        connection.execute(FILL)
    process = subprocess.Popen(
        [_program(), "-k", "gthread", "--threads", "16", "-b", f"127.0.0.1:{PORT}", "flask_peer:app"],
        cwd=HERE,
        env=os.environ | {"DATABASE_URL": urls["catalog"].replace("postgresql://", "postgresql+psycopg2://", 1)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {MEASURED}),
    )
    try:
        url = f"http://127.0.0.1:{PORT}/l?after=0"
        for _ in range(100):
            try:
                if httpx.get(url).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        else:
            raise SystemExit("bench: the Flask peer does not get ready.")
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _program() -> Path:
    """gunicorn in the peer's own environment, made on the first use."""
    program = ENVIRONMENT / "bin" / "gunicorn"
    if not program.exists():
        venv.create(ENVIRONMENT, with_pip=True)
        install = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"]
        subprocess.run([*map(str, install), "--disable-pip-version-check"], check=True, stdout=sys.stderr)
    return program


def node_modules() -> Path:
    """The folder of npm's programs with all that they need, made on the first use."""
    if not (PROGRAMS / "node_modules").is_dir():
        PROGRAMS.mkdir(parents=True, exist_ok=True)
        for file in [*HERE.glob("*.mjs"), *HERE.glob("package*.json")]:
            shutil.copy(file, PROGRAMS)
        install = ["npm", "ci", "--silent", "--no-audit", "--no-fund"]
        subprocess.run(install, cwd=PROGRAMS, check=True, stdout=sys.stderr)
    return PROGRAMS
