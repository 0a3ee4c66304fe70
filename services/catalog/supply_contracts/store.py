"""Supply contracts as they are kept: at most one for each adoption."""

from collections.abc import Collection
from datetime import date
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field, Session, col, select

from services.catalog.db import Table
from services.catalog.supply_contracts.rules import Terms
from services.chassis.db import MONEY
from services.chassis.problems import Invalid


class SupplyContract(Table, table=True):
    __tablename__ = "adoption_contract"
    __table_args__ = (sa.Index("ix_adoption_contract_ends_on_adoption_id", "ends_on", "adoption_id"),)
    adoption_id: int = Field(primary_key=True, foreign_key="adoption.id", sa_column_kwargs={"autoincrement": False})
    supplier_id: int = Field(foreign_key="organisation.id", index=True)
    ends_on: date
    notice_by_on: date | None = None
    option_months: int = Field(default=0, sa_type=sa.SmallInteger, sa_column_kwargs={"server_default": "0"})
    option_count: int = Field(default=0, sa_type=sa.SmallInteger, sa_column_kwargs={"server_default": "0"})
    price_excl_vat_per_year: Decimal | None = Field(default=None, sa_type=MONEY)

    def terms(self) -> Terms:
        return Terms(self.ends_on, self.notice_by_on, self.option_months, self.option_count)


class ContractSupplierUnknown(Invalid):
    """The contract's supplier is not in the catalogue, or is no supplier."""


def of(session: Session, adoption_ids: Collection[int]) -> dict[int, SupplyContract]:
    if not adoption_ids:
        return {}
    rows = session.exec(select(SupplyContract).where(col(SupplyContract.adoption_id).in_(adoption_ids)))
    return {row.adoption_id: row for row in rows}


def put(session: Session, adoption_id: int, contract: SupplyContract | None) -> None:
    """The adoption's contract from now on; None: it has none."""
    session.execute(sa.delete(SupplyContract).where(col(SupplyContract.adoption_id) == adoption_id))
    if contract is not None:
        contract.adoption_id = adoption_id
        session.add(contract)
    session.flush()
