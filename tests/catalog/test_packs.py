"""A procurement pack is dated, citable and readable, and says what does not count."""

import hashlib
import io
import json
from typing import Any

import pypdf
import pytest
from fastapi.testclient import TestClient

from services.catalog.packs.api import _prefers_pdf
from tests.catalog.conftest import problem, walk
from tests.issuer import Issuer

NATIONAL = "/specifications/velferdsteknologi-trygghetstjeneste"
OWN = "/specifications/alstahaug-trygghetstjeneste"
ON = {"on": "2026-10-01"}


def pack(catalog: TestClient, path: str, **query: str) -> dict[str, Any]:
    answer = catalog.get(f"{path}/procurement-pack", params=ON | query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pdf(catalog: TestClient, path: str, **query: str) -> tuple[bytes, str]:
    """→ (the bytes, the text)"""
    answer = catalog.get(f"{path}/procurement-pack", params=ON | query, headers={"Accept": "application/pdf"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    pages = pypdf.PdfReader(io.BytesIO(answer.content)).pages
    return answer.content, " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_a_pack_holds_the_requirements_word_for_word(shared_catalog: TestClient) -> None:
    whole = pack(shared_catalog, NATIONAL)
    version = shared_catalog.get(f"{NATIONAL}/versions/1.0").json()
    assert (whole["version"], whole["status"], whole["derived_from"]) == ("1.0", "effective", None)
    assert [(one["id"], one["text"]) for one in whole["requirements"]] == [
        (one["id"], one["text"]) for one in version["requirements"]
    ]
    assert (whole["musts"], whole["shoulds"], whole["mays"]) == (4, 2, 1)


def test_a_product_counts_when_its_certificate_is_valid_that_day(shared_catalog: TestClient) -> None:
    certificates = [one["number"] for one in walk(shared_catalog, "/certificates") if one["specification"] in NATIONAL]
    for on in ("2025-12-31", "2026-08-15", "2026-10-01", "2030-01-01"):
        whole = pack(shared_catalog, NATIONAL, on=on, version="1.0")
        states = {
            number: shared_catalog.get(f"/certificates/{number}", params={"on": on}).json() for number in certificates
        }
        valid = [number for number, one in states.items() if one["status"] == "valid"]
        assert [one["certificate"] for one in whole["certified"]] == valid
        others = {one["certificate"]: one["status"] for one in whole["excluded"]}
        assert others == {number: one["status"] for number, one in states.items() if one["status"] != "valid"}
        assert all(one["why"]["nb"] and one["why"]["nn"] and one["why"]["en"] for one in whole["excluded"])
    assert pack(shared_catalog, NATIONAL)["certified"] != []


def test_a_certificate_against_another_version_does_not_count(shared_catalog: TestClient) -> None:
    whole = pack(shared_catalog, NATIONAL, on="2027-08-01")
    assert (whole["version"], whole["certified"]) == ("1.1", []), "of those in force the one that came last"
    assert {one["why"]["en"] for one in whole["excluded"] if one["status"] == "valid"} == {
        "The certificate is against another version: 1.0."
    }
    assert {one["specification_version"] for one in whole["excluded"]} == {"1.0"}


def test_the_hash_is_over_what_the_pack_says(shared_catalog: TestClient) -> None:
    whole = pack(shared_catalog, NATIONAL)
    again = pack(shared_catalog, NATIONAL, known_at=whole["known_at"])
    assert again == whole
    content = {name: value for name, value in whole.items() if name not in ("sha256", "citation", "known_at")}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert whole["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    for language in ("nb", "nn", "en"):
        assert whole["sha256"] in whole["citation"][language]
    assert "versjon 1.0 (gjelder fra 01.10.2025)" in whole["citation"]["nb"]
    assert pack(shared_catalog, NATIONAL, on="2026-10-02")["sha256"] != whole["sha256"]
    assert pack(shared_catalog, NATIONAL, fields="sha256,version") == {"sha256": whole["sha256"], "version": "1.0"}
    assert list(pack(shared_catalog, NATIONAL, language="nn")["name"]) == ["nn"]


def test_a_derived_one_says_how_it_differs_and_who_is_certified_against_the_source(shared_catalog: TestClient) -> None:
    whole = pack(shared_catalog, OWN)
    told = whole["derived_from"]
    assert (told["specification"], told["version"]) == (NATIONAL.split("/")[-1], "1.0")
    assert (told["unchanged"], told["changed"], told["added"]) == (4, ["VT2-02", "VT2-05"], ["ALS-01"])
    assert [(one["id"], one["reason"]) for one in told["left_out"]] == [
        ("VT2-07", "Pårørende varsles av hjemmetjenesten (fiktivt)")
    ]
    assert whole["certified"] == []
    there = pack(shared_catalog, NATIONAL)["certified"]
    assert [one["certificate"] for one in whole["certified_against_source"]] == [one["certificate"] for one in there]
    assert {tuple(one["not_covered"]) for one in whole["certified_against_source"]} == {("VT2-02", "VT2-05", "ALS-01")}


def test_the_document_is_what_the_pack_says(shared_catalog: TestClient) -> None:
    whole = pack(shared_catalog, OWN)
    content, text = pdf(shared_catalog, OWN, known_at=whole["known_at"])
    for one in whole["requirements"]:
        assert one["id"] in text
        assert " ".join(one["text"]["nb"].split()) in text.replace("- ", "-")
    for certified in whole["certified_against_source"]:
        assert certified["certificate"] in text
    assert whole["sha256"] in text.replace(" ", "")
    for words in ("Avledet av", "Pårørende varsles av hjemmetjenesten (fiktivt)", "01.10.2026", "Alstahaug kommune"):
        assert words in text
    assert "Gjelder for: Brukere på Tjøtta" in text
    metadata = pypdf.PdfReader(io.BytesIO(content)).xmp_metadata
    assert metadata is not None
    xml = metadata.stream.get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xml
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xml
    assert "<pdfuaid:part>1</pdfuaid:part>" in xml


def test_the_same_pack_is_the_same_document(shared_catalog: TestClient) -> None:
    known_at = pack(shared_catalog, NATIONAL)["known_at"]
    assert pdf(shared_catalog, NATIONAL, known_at=known_at)[0] == pdf(shared_catalog, NATIONAL, known_at=known_at)[0]


@pytest.mark.parametrize(
    ("language", "words", "tag"),
    [
        ("nn", ("Ein utløyst alarm når mottakaren", "Sertifiserte produkt", "Eigar"), "nn"),
        ("en", ("A raised alarm reaches its receiver", "Certified products", "as of 2026-10-01"), "en"),
        ("se", ("En utløst alarm når mottakeren", "Sertifiserte produkter"), "nb"),
    ],
)
def test_the_document_comes_in_other_languages(
    shared_catalog: TestClient, language: str, words: tuple[str, ...], tag: str
) -> None:
    content, text = pdf(shared_catalog, NATIONAL, language=language)
    assert all(one in text for one in words), text
    assert pypdf.PdfReader(io.BytesIO(content)).root_object["/Lang"].get_object() == tag  # type: ignore[comparison-overlap]


def test_a_pack_is_of_something_published(catalog: TestClient, issuer: Issuer) -> None:
    assert problem(catalog.get(f"{OWN}/procurement-pack", params={"version": "1.1"})) == (409, "pack-of-draft")
    assert problem(catalog.get(f"{OWN}/procurement-pack", params={"version": "7"})) == (422, "pack-version-unknown")
    early = catalog.get(f"{OWN}/procurement-pack", params={"on": "2026-01-01"})
    assert problem(early) == (409, "nothing-in-force")
    ahead = {"known_at": "2999-01-01T00:00:00Z"}
    assert problem(catalog.get(f"{OWN}/procurement-pack", params=ahead)) == (422, "pack-from-future")
    owner = issuer.bearer("938712441", "catalog.write")
    before = pack(catalog, OWN, on="2027-02-01")
    end = {"reason": "Tas ut av bruk (fiktivt)", "effective_on": "2027-01-01"}
    assert catalog.post(f"{OWN}/versions/1.0/end", json=end, headers=owner).status_code == 200
    after = catalog.get(f"{OWN}/procurement-pack", params={"on": "2027-02-01"})
    assert problem(after) == (409, "nothing-in-force")
    assert pack(catalog, OWN, on="2027-02-01", known_at=before["known_at"])["sha256"] == before["sha256"]
    named = pack(catalog, OWN, on="2027-02-01", version="1.0")
    assert (named["status"], named["ended_on"]) == ("ended", "2027-01-01")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/pdf", True),
        ("application/pdf;q=0.9, application/json;q=0.8", True),
        ("Application/PDF; q=1.0", True),
        ("application/json, application/pdf", False),
        ("application/pdf;q=0.1, application/json", False),
        ("application/pdf;q=0", False),
        ("application/pdf;q=x", True),
        ("*/*", False),
        ("", False),
    ],
)
def test_the_document_is_for_those_who_prefer_it(accept: str, expected: bool) -> None:
    assert _prefers_pdf(accept) == expected
