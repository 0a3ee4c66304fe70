"""The sandbox's own tables: what its stand-ins remember."""

from sqlalchemy import MetaData
from sqlmodel import SQLModel

from services.chassis.db import NAMING


class Table(SQLModel):
    metadata = MetaData(naming_convention=NAMING)
