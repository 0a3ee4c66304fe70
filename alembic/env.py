"""Migrates one database; the section of alembic.ini says which. Two migrators wait for each other."""

from importlib import import_module
from importlib.util import find_spec

import sqlalchemy as sa
from alembic import context

from services.chassis.jobs import TABLES

config = context.config
service = config.get_section_option(config.config_ini_section, "service")
# Our own programs give the database's URL and only migrate. To compare, every table has to be known: what imports every
# store takes seconds.
if config.attributes.get("compared", "url" not in config.attributes):
    for module in ("app", "jobs"):
        if find_spec(f"{service}.{module}"):
            import_module(f"{service}.{module}")
tables = import_module(f"{service}.db").Table.metadata
url = config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
ONE_MIGRATOR = 0x5A4D_4D49


def ours(name: str | None, kind: str, parents: object) -> bool:
    return kind != "table" or not (name or "").startswith(TABLES)


engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.pool.NullPool)
with engine.connect() as connection:
    connection.execute(sa.text("SET lock_timeout = '10s'"))
    connection.execute(sa.text("SELECT pg_advisory_lock(:lock)"), {"lock": ONE_MIGRATOR})
    connection.commit()
    context.configure(connection=connection, target_metadata=tables, include_name=ours, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
