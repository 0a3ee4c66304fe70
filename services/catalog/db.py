"""The catalogue's own tables, apart from every other service's."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from services.chassis import audit, feed
from services.chassis.db import NAMING, adopt


class Table(SQLModel):
    metadata = MetaData(naming_convention=NAMING)


adopt(Table.metadata, audit.TABLE, audit.SEAL, feed.TABLE)
