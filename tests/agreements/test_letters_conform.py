"""Letters hold what PDF/A-2a (ISO 19005-2) and PDF/UA-1 (ISO 14289-1) demand, by an independent validator's word."""

import re

import page
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.agreements.letters.rules import Kind, Language
from tests.agreements import documents

PROFILES = (page.ValidationProfile.PDF_A_2A, page.ValidationProfile.PDF_UA_1)


def failures(pdf: bytes) -> list[str]:
    reports = [page.validate_pdf_bytes(pdf, profile=profile) for profile in PROFILES]
    assert all(report.rules.total > 100 for report in reports)
    found = [one for report in reports for one in report.failures]
    return [f"{one.rule_id}: {one.message}" for one in found if not _as_long_as_it_says(pdf, one)]


def _as_long_as_it_says(pdf: bytes, one: page.ValidationFailure) -> bool:
    """Whether the validator takes a stream's own last byte for a part of the line's end, which it is not: its data may
    well end with a carriage return."""
    if one.rule_id != "PDFA2A-STREAM-LENGTH-001" or one.object_id is None:
        return False
    begins = re.search(
        rb"\n%d 0 obj\n<<[^>]*?/Length (\d+).*?>>\nstream\n" % one.object_id.object_number, pdf, re.DOTALL
    )
    assert begins
    ends = begins.end() + int(begins[1])
    return pdf[ends - 1 : ends] in (b"\r", b"\n") and pdf[ends:].startswith(b"\nendstream")


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", Kind)
def test_every_letter_in_every_language_can_be_archived_and_read_aloud(kind: Kind, language: Language) -> None:
    assert failures(documents.pdf(kind, language)) == []


def test_a_preview_and_a_long_letter_can_as_well() -> None:
    assert failures(documents.pdf(Kind.ORDER, preview=True)) == []
    lines = [documents.line(f"vare-{i:03}", f"Trygghetsalarm {i}", i + 1) for i in range(60)]
    assert failures(documents.pdf(Kind.ORDER, lines=lines)) == []


@settings(max_examples=8)
@given(written=st.text(min_size=1, max_size=60).filter(lambda one: "\0" not in one))
def test_whatever_people_write_the_letter_can(written: str) -> None:
    assert failures(documents.pdf(Kind.CHANGE_REQUEST, reference=written, supplier_name=written)) == []


def test_the_validator_sees_what_is_missing() -> None:
    pdf = documents.pdf(Kind.ORDER)
    for there, missing in ((b"<pdfaid:part>2<", b"<pdfaid:part>1<"), (b"/Marked true", b"/Marked null")):
        assert pdf.count(there) == 1
        assert failures(pdf.replace(there, missing)), there
