"""The three services' tables as they are printed and published."""

from importlib import import_module

import pytest

from services import cli
from services.chassis.permissions import Table
from services.settings import ROLES
from tests.contracts.test_published_contracts import OPERATIONS, PUBLISHED

WORDS = {"decision_maker": "decision-maker", "co_operation_officer": "co-operation officer"}


def table(service: str) -> Table:
    found = import_module(f"services.{service}.permissions").PERMISSIONS
    assert isinstance(found, Table)
    return found


@pytest.mark.parametrize("service", cli.SERVICES)
def test_the_roles_in_the_table_are_those_that_are_given_out(service: str) -> None:
    here = table(service)
    for scope in {scope for row in here.rows.values() for scope in row.scopes}:
        holders = [WORDS.get(role, role.replace("_", " ")) for role, _, scopes in ROLES if scope in scopes]
        assert sorted(here.roles.get(scope, ())) == sorted(holders)


@pytest.mark.parametrize("service", cli.SERVICES)
def test_every_operation_of_the_contract_says_who_may(service: str) -> None:
    here, paths = table(service), PUBLISHED[service]["paths"]
    names = {f"{method.upper()} {path}": paths[path][method] for one, path, method in OPERATIONS if one == service}
    assert names.keys() == here.rows.keys()
    for name, told in names.items():
        assert told["description"].endswith(f"\n\n{here.told(here.rows[name])}")


def test_the_command_prints_every_operation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["services", "permissions"])
    cli.main()
    printed = capsys.readouterr().out
    for service, path, method in OPERATIONS:
        assert (
            f"| `{method.upper()} {path}` | {table(service).told(table(service).rows[f'{method.upper()} {path}'])[9:]}"
            in printed
        )
