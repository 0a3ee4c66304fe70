"""Repositories and modules as they are kept. Every address that a repository has or had leads to it alone."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, col, select

from services.catalog.components.store import Component
from services.catalog.db import Table
from services.catalog.repositories.rules import ModuleKind
from services.chassis.db import JSON, choice
from services.chassis.problems import Conflict, NotFound
from services.chassis.values import new_id


class Repository(Table, table=True):
    id: int = Field(default=None, primary_key=True)
    uuid: UUID = Field(default_factory=new_id, unique=True)
    component_id: int = Field(foreign_key="component.id", index=True)
    url: str = Field(max_length=500)


class RepositoryAddress(Table, table=True):
    """An address by which a repository is known: its own, and others that it has or had."""

    __tablename__ = "repository_address"
    url: str = Field(max_length=500, primary_key=True)
    repository_id: int = Field(foreign_key="repository.id", index=True)


class Module(Table, table=True):
    __table_args__ = (sa.UniqueConstraint("component_id", "name"),)
    id: int = Field(default=None, primary_key=True)
    component_id: int = Field(foreign_key="component.id")
    name: str = Field(max_length=80)
    kind: ModuleKind = Field(sa_type=choice(ModuleKind))
    summary: dict[str, str] | None = Field(default=None, sa_type=JSON)
    repository_id: int | None = Field(default=None, foreign_key="repository.id", index=True)
    path: str | None = Field(default=None, max_length=300)


class RepositoryNotFound(NotFound):
    """The component has no such repository."""


class AddressUnknown(NotFound):
    """No component has a repository with this address."""


class RepositoryTaken(Conflict):
    """This repository is registered already."""


class RepositoryInUse(Conflict):
    """Modules of the component stand in this repository."""


class ModuleNotFound(NotFound):
    """The component has no such module."""


class ModuleNameTaken(Conflict):
    """The component has a module with this name already."""


def count(session: Session, component_id: int) -> int:
    query = sa.select(sa.func.count()).where(col(Repository.component_id) == component_id)
    return int(session.execute(query).scalar_one())


def add(
    session: Session, component_id: int, url: str, aliases: Collection[str], uuid: UUID | None = None
) -> Repository:
    """Keep a repository with all its addresses; one that leads elsewhere is refused."""
    repository = Repository(component_id=component_id, url=url, uuid=uuid or new_id())
    session.add(repository)
    session.flush()
    claim(session, repository, [url, *aliases])
    return repository


def claim(session: Session, repository: Repository, urls: Collection[str]) -> None:
    """Let addresses lead to a repository. Of two at once for the same address, the second waits and is refused."""
    wanted = sorted(set(urls))  # in one order, so that two never wait for each other
    session.execute(
        insert(RepositoryAddress).on_conflict_do_nothing(),
        [{"url": url, "repository_id": repository.id} for url in wanted],
    )
    query = (
        sa.select(col(RepositoryAddress.url), col(Component.slug))
        .join(Repository, col(Repository.id) == col(RepositoryAddress.repository_id))
        .join(Component, col(Component.id) == col(Repository.component_id))
        .where(col(RepositoryAddress.url).in_(wanted), col(Repository.id) != repository.id)
        .order_by(col(RepositoryAddress.url))
    )
    if taken := session.execute(query).first():
        raise RepositoryTaken(f"{taken.url} belongs to {taken.slug}.", pointer="#/url", component=taken.slug)


def of_component(session: Session, component_id: int) -> list[tuple[Repository, list[str]]]:
    """A component's repositories, each with the other addresses that lead to it."""
    found = session.exec(
        select(Repository).where(col(Repository.component_id) == component_id).order_by(col(Repository.url))
    ).all()
    known: dict[int, list[str]] = defaultdict(list)
    query = sa.select(RepositoryAddress.repository_id, RepositoryAddress.url).where(  # type: ignore[call-overload]
        col(RepositoryAddress.repository_id).in_([one.id for one in found])
    )
    for row in session.execute(query.order_by(col(RepositoryAddress.url))):
        known[row.repository_id].append(row.url)
    return [(one, [url for url in known[one.id] if url != one.url]) for one in found]


def by_uuid(session: Session, component_id: int, uuid: UUID) -> Repository:
    query = select(Repository).where(col(Repository.component_id) == component_id, col(Repository.uuid) == uuid)
    found = session.exec(query).one_or_none()
    if found is None:
        raise RepositoryNotFound(f"It has no repository {uuid}.")
    return found


def by_address(session: Session, url: str) -> tuple[Repository, str]:
    """→ (the repository that an address leads to, its component's slug)"""
    query: Any = (
        sa.select(Repository, col(Component.slug))
        .join(RepositoryAddress, col(RepositoryAddress.repository_id) == col(Repository.id))
        .join(Component, col(Component.id) == col(Repository.component_id))
        .where(col(RepositoryAddress.url) == url)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        raise AddressUnknown(f"{url} is nobody's.")
    return found.Repository, found.slug


def remove(session: Session, repository: Repository) -> None:
    session.execute(sa.delete(RepositoryAddress).where(col(RepositoryAddress.repository_id) == repository.id))
    session.delete(repository)
    try:
        session.flush()
    except IntegrityError:
        raise RepositoryInUse("Remove them first.") from None


def modules(session: Session, component_id: int) -> Sequence[sa.Row[Any]]:
    """A component's modules by name: (module, the repository's address)."""
    query: Any = (
        sa.select(Module, col(Repository.url))
        .outerjoin(Repository, col(Module.repository_id) == col(Repository.id))
        .where(col(Module.component_id) == component_id)
        .order_by(col(Module.name))
    )
    return session.execute(query).all()


def add_module(session: Session, module: Module) -> Module:
    session.add(module)
    try:
        session.flush()
    except IntegrityError:
        raise ModuleNameTaken(f"{module.name!r} is there already.", pointer="#/name") from None
    return module


def module(session: Session, component_id: int, name: str) -> Module:
    query = select(Module).where(col(Module.component_id) == component_id, col(Module.name) == name)
    found = session.exec(query).one_or_none()
    if found is None:
        raise ModuleNotFound(f"It has no module {name!r}.")
    return found
