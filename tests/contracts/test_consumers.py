"""What one service understands of another: the consumer's own client, tried on the provider's real app."""

from collections.abc import Iterator
from datetime import date

import pytest
from fastapi.testclient import TestClient

from services.agreements.accessions import rules as accessions
from services.agreements.catalog_client import Answer, Catalog
from services.agreements.certificate_notices import rules as certificate_notices
from services.agreements.frameworks.rules import CERTIFIABLE
from services.agreements.integration_client import Integration, LetterRefused
from services.catalog import app as catalog
from services.catalog.certificates.rules import EventKind
from services.catalog.co_operations.rules import MEMBERS, Form
from services.catalog.organisations.rules import Kind as OrganisationKind
from services.catalog.settings import Settings as CatalogSettings
from services.catalog.specifications.rules import Status as SpecificationStatus
from services.chassis import clock
from services.chassis.http import Neighbour
from services.integration import app as integration
from services.integration.dispatches.shapes import EXAMPLE_PDF
from services.integration.settings import Settings as IntegrationSettings
from tests.conftest import NewDatabase
from tests.issuer import Issuer

DAY = date(2029, 6, 1)
SPECIFICATION = "velferdsteknologi-trygghetstjeneste"


@pytest.fixture(scope="module")
def asked_catalog(shared_database: NewDatabase, issuer: Issuer) -> Iterator[Catalog]:
    settings = CatalogSettings(database_url=shared_database("catalog", seeded=True), issuers=[issuer.trusted()])
    with TestClient(catalog.create_app(settings)) as client:
        yield Catalog(Neighbour("The catalogue", client))


@pytest.fixture
def new_catalog(new_database: NewDatabase, issuer: Issuer) -> Iterator[TestClient]:
    settings = CatalogSettings(database_url=new_database("catalog", seeded=True), issuers=[issuer.trusted()])
    with TestClient(catalog.create_app(settings)) as client:
        yield client


@pytest.fixture
def asked_integration(new_database: NewDatabase, issuer: Issuer) -> Iterator[Integration]:
    settings = IntegrationSettings(database_url=new_database("integration"), issuers=[issuer.trusted()])
    with TestClient(integration.create_app(settings)) as client:
        client.headers.update(issuer.bearer("100000008", "dispatch.write", "dispatch.read"))
        yield Integration(Neighbour("Integration", client))


def send(integration: Integration, *, pdf: bytes = EXAMPLE_PDF, filename: str = "AVR-1.pdf") -> str:
    dispatch = integration.send(
        reference="call-off-1-order",
        recipient="100000016",
        name="Fjordvakt Velferd AS (fiktiv)",
        title="Bestilling AVR-1",
        filename=filename,
        pdf=pdf,
    )
    return str(dispatch.id)


@pytest.mark.parametrize(
    ("product", "answer", "code"),
    [
        ("fjordvakt-alarm", Answer.VALID, "certified"),
        ("havorn-alarm", Answer.NOT_VALID, "suspended"),
        ("havorn-tilsyn", Answer.NOT_VALID, "no_certificate"),
        ("no-such-product", Answer.UNKNOWN, "product_unknown"),
    ],
)
def test_a_verdict_is_understood(asked_catalog: Catalog, product: str, answer: Answer, code: str) -> None:
    verdict = asked_catalog.verify(product, SPECIFICATION, None, DAY)
    assert (verdict.verdict, verdict.code) == (answer, code)
    assert verdict.checked_at
    assert (verdict.certificate is not None) == (code in ("certified", "suspended"))


def test_the_specifications_version_can_be_asked_for(asked_catalog: Catalog) -> None:
    assert asked_catalog.verify("fjordvakt-alarm", SPECIFICATION, "1.0", DAY).verdict is Answer.VALID
    assert asked_catalog.verify("fjordvakt-alarm", SPECIFICATION, "99", DAY).verdict is not Answer.VALID


@pytest.mark.parametrize(
    ("slug", "version", "status"),
    [(SPECIFICATION, "1.0", "effective"), (SPECIFICATION, "99", None), ("no-such", "1.0", None), ("a/b", "1?", None)],
)
def test_how_a_specifications_version_stands_is_understood(
    asked_catalog: Catalog, slug: str, version: str, status: str | None
) -> None:
    assert asked_catalog.specification_status(slug, version) == status


@pytest.mark.parametrize(
    ("slug", "component"),
    [("havorn-dorsensor", "velferdsteknologi-trygghetsplattform"), ("no-such-product", None), ("a/b?c", None)],
)
def test_which_component_a_product_implements_is_understood(
    asked_catalog: Catalog, slug: str, component: str | None
) -> None:
    """It is frozen in a price list's line; a product that is not there is another answer than one without."""
    found = asked_catalog.product(slug)
    assert (found is not None) == (component is not None)
    assert found is None or found.component == component


def test_a_version_that_can_be_demanded_is_one_of_the_catalogues_states() -> None:
    assert {status.value for status in SpecificationStatus} > CERTIFIABLE


def test_the_news_of_a_certificate_is_understood(new_catalog: TestClient, issuer: Issuer) -> None:
    """Every kind of step that agreements acts on, as the provider really tells it."""
    client = Catalog(Neighbour("The catalogue", new_catalog))
    position = 0
    while (following := client.news(position)[1]) != position:
        position = following
    headers = issuer.bearer("100000040", "certification.decide", client="decider")
    for step in ("suspend", "restore", "withdraw"):
        answer = new_catalog.post("/certificates/SV-2026-000001/" + step, json={"reason": "Prøve"}, headers=headers)
        assert answer.status_code == 200, answer.text
    told, position = client.news(position)
    assert [(one.number, one.kind, one.status) for one in told] == [
        ("SV-2026-000001", "suspended", "suspended"),
        ("SV-2026-000001", "restored", "valid"),
        ("SV-2026-000001", "withdrawn", "withdrawn"),
    ]
    assert {(one.product, one.specification, one.effective_on) for one in told} == {
        ("fjordvakt-alarm", SPECIFICATION, clock.today())
    }
    assert [one.position for one in told] == sorted({one.position for one in told})
    assert client.news(position) == ([], position)


def test_what_is_acted_on_are_names_that_the_catalogue_has() -> None:
    assert {kind.value for kind in EventKind} >= certificate_notices.TOLD


def test_an_organisation_is_found_by_its_number(asked_catalog: Catalog) -> None:
    found = asked_catalog.organisation("964983291")
    assert found
    assert found.name == "Brønnøy kommune"
    assert asked_catalog.organisation("999263550") is None


def test_one_that_has_ended_is_no_party_any_more(asked_catalog: Catalog) -> None:
    assert asked_catalog.organisation("939347801") is None, "Forsand became part of Sandnes"
    assert asked_catalog.organisation("964965137")


def test_a_co_operation_is_understood(asked_catalog: Catalog) -> None:
    """What decides whether its host may order for its members, by the catalogue's own names."""
    found = asked_catalog.co_operation("hald-ikt")
    assert found
    assert ([unit.form for unit in found.units], found.units[0].legal_person) == (["host_municipality"], False)
    host = asked_catalog.organisation("938712441")
    assert host
    assert (found.host, host.kinds) == (host.id, ["municipality"])
    members = {one.name for one in found.on_that_day if one.status in accessions.MEMBER}
    assert members == {"Alstahaug kommune", "Dønna kommune", "Herøy kommune", "Leirfjord kommune"}
    assert asked_catalog.co_operation("no-such-co-operation") is None


def test_what_is_acted_on_of_a_co_operation_are_names_that_the_catalogue_has() -> None:
    assert {form.value for form in Form} >= accessions.REPEALED | {accessions.HOST_MUNICIPALITY}
    assert {status.value for status in MEMBERS} == accessions.MEMBER
    assert {kind.value for kind in OrganisationKind} >= {accessions.CO_OPERATION, accessions.SUPPLIER}


def test_inhabitants_are_those_of_the_newest_count_that_is_not_later(asked_catalog: Catalog) -> None:
    day = date(2019, 1, 1)
    found = asked_catalog.counted(["939347801", "964983291", "964983291", "100000016", "999263550"], day)
    assert set(found) == {"939347801", "964983291", "100000016"}, "who is not in the catalogue is left out"
    assert found["939347801"].name.startswith("Forsand"), "it has ended since"
    assert found["964983291"].population_on == date(2015, 1, 1)
    assert found["964983291"].population
    assert found["100000016"].population is None
    assert "939347801" not in asked_catalog.counted(["939347801"], DAY)
    newest = asked_catalog.counted(["964983291"], DAY)["964983291"]
    assert (newest.population, newest.population_on) == (7826, date(2024, 1, 1))


def test_a_letter_is_handed_over_once(asked_integration: Integration) -> None:
    assert send(asked_integration) == send(asked_integration)


def test_another_letter_by_the_same_reference_is_refused_for_good(asked_integration: Integration) -> None:
    send(asked_integration)
    with pytest.raises(LetterRefused):
        send(asked_integration, pdf=EXAMPLE_PDF + b"%another\n")


def test_a_letter_that_cannot_be_sent_is_refused_for_good(asked_integration: Integration) -> None:
    with pytest.raises(LetterRefused):
        send(asked_integration, filename="a/b.pdf")


def test_the_news_of_a_letter_is_understood(asked_integration: Integration) -> None:
    assert asked_integration.news(0) == ([], 0)
    id = send(asked_integration)
    told, position = asked_integration.news(0)
    assert [(str(news.id), news.reference, getattr(news, "status", None)) for news, _ in told] == [
        (id, "call-off-1-order", "queued")
    ]
    assert asked_integration.news(position) == ([], position)
