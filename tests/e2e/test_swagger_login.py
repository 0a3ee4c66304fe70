"""Somebody logs in once in a real browser, tries operations of all three services in Swagger UI, and logs out."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.system import BRONNOY, System

CLOSED = "/places"
"""A list of agreements' that is for suppliers."""
OF_EDITORS = "/audit"
"""A list of the catalogue's that needs its scope."""


@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "telephone"])
def test_one_login_is_for_all_three_services(
    system: System, browsing: Callable[..., dict[str, Any]], width: int, tmp_path: Path
) -> None:
    services = {name: system.url(name) for name in ("agreements", "catalog", "integration")}
    seen = browsing(
        "swagger.mjs", width=width, pictures=str(tmp_path), closed=CLOSED, of_editors=OF_EDITORS, **services
    )

    assert seen["without"]["status"] == 401
    assert seen["state"] == "This is not the answer to the login that was asked for (state, iss)."
    assert seen["nonce"] == "This token belongs to another login (nonce).0"
    roles = {"agreements": "municipal buyer", "catalog": "municipal editor", "integration": "platform administrator"}
    for service, role in roles.items():
        assert seen[service]["answer"]["status"] == 200, seen[service]
        assert seen[service]["status"].startswith(f"You act for Brønnøy ({BRONNOY}) as {role}, until ")
    assert "items" in seen["agreements"]["answer"]["body"]
    assert seen["refused"]["status"] == 403
    assert "The token lacks the scope for this operation" in seen["refused"]["body"]

    first, second, third, after = seen["pages"]
    assert first == ["person", "organisation"]
    assert second == third == ["organisation"], "she is known at the second and third service"
    assert after == ["person", "organisation"], "and after the logout she is not"
    assert (seen["out"]["status"], seen["elsewhere"]["status"]) == (401, 401), "logged out here and in the other tab"
    assert "100000008" in seen["again"]

    assert "eyJ" not in seen["kept"], "no token is written down anywhere"
    assert seen["wide"][0] <= seen["wide"][1] == width
    assert seen["errors"] == []
    refusals = [one for one in seen["complaints"] if "status of 401" not in one and "status of 403" not in one]
    assert refusals == [], "nothing that the page's policy forbids"
    own = (*services.values(), system.url("ansattporten"), "data:", "about:")
    assert not [url for url in seen["requests"] if not url.startswith(own)]
    leaving = [url for url in seen["requests"] if url.startswith(system.url("ansattporten") + "/logout")]
    assert len(leaving) == 1
    assert "id_token" not in json.dumps(leaving)
    assert not [path for path in tmp_path.iterdir() if "stuck" in path.name]
