"""The procurement pack as a document that people read: PDF/A-2a and PDF/UA-1, the same bytes for the same pack."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import typst

from services.catalog.packs.rules import dated, in_language

_TEMPLATE = Path(__file__).with_name("pack.typ")
_OBLIGATIONS = {
    "nb": {"must": "Må", "should": "Bør", "may": "Kan"},
    "nn": {"must": "Må", "should": "Bør", "may": "Kan"},
    "en": {"must": "Must", "should": "Should", "may": "May"},
}
_METHODS = {
    "nb": {
        "documentation": "dokumentasjon",
        "demonstration": "demonstrasjon",
        "test": "test",
        "inspection": "inspeksjon",
        "self_declaration": "egenerklæring",
    },
    "nn": {
        "documentation": "dokumentasjon",
        "demonstration": "demonstrasjon",
        "test": "test",
        "inspection": "inspeksjon",
        "self_declaration": "eigenerklæring",
    },
    "en": {
        "documentation": "documentation",
        "demonstration": "demonstration",
        "test": "test",
        "inspection": "inspection",
        "self_declaration": "self-declaration",
    },
}
_FORMS = {
    "nb": {"saas": "driftes av leverandøren", "on_premises": "driftes av kunden"},
    "nn": {"saas": "drifta av leverandøren", "on_premises": "drifta av kunden"},
    "en": {"saas": "run by the supplier", "on_premises": "run by the customer"},
}
_STATES = {
    "nb": {
        "not_yet_effective": "gjelder ikke ennå",
        "effective": "gjeldende",
        "warned": "gjeldende, varslet utfaset",
        "ended": "utgått",
    },
    "nn": {
        "not_yet_effective": "gjeld ikkje enno",
        "effective": "gjeldande",
        "warned": "gjeldande, varsla utfasa",
        "ended": "utgått",
    },
    "en": {
        "not_yet_effective": "not in force yet",
        "effective": "in force",
        "warned": "in force, its end is announced",
        "ended": "ended",
    },
}
_LABELS = {
    "nb": {
        "title": "Kravliste",
        "owner": "Eier",
        "editors": "Felleskomponentkatalogens redaktører",
        "version": "Versjon",
        "effective": "Gjelder fra",
        "ended": "Gjelder ikke fra",
        "status": "Status",
        "on": "Per dato",
        "number": "Antall krav",
        "derived": "Avledet av",
        "derived_text": "Kravene er avledet av en annen kravspesifikasjon og avviker slik fra den:",
        "unchanged": "Likelydende",
        "changed": "Endret her",
        "added": "Egne krav",
        "left": "Utelatt",
        "none": "ingen",
        "requirements": "Krav",
        "applies": "Gjelder for",
        "verification": "Verifikasjon",
        "clause": "Standard",
        "comment": "Merknad",
        "certified": "Sertifiserte produkter",
        "certified_none": "Ingen produkter er sertifisert mot denne versjonen denne dagen.",
        "elsewhere": "Sertifisert mot spesifikasjonen kravene er avledet av",
        "elsewhere_text": "Sertifikatene under sier ingenting om disse kravene her:",
        "product": "Produkt",
        "supplier": "Leverandør",
        "certificate": "Sertifikat",
        "valid": "Gyldig til",
        "forms": "Leveranseform",
        "excluded": "Ikke medregnet",
        "why": "Hvorfor",
        "equivalent": "Likeverdig dokumentasjon må godtas der sertifisering er et vilkår.",
        "cite": "Henvis til dette uttrekket slik",
        "page": "Side",
        "of": "av",
    },
    "nn": {
        "title": "Kravliste",
        "owner": "Eigar",
        "editors": "Redaktørane av felleskomponentkatalogen",
        "version": "Versjon",
        "effective": "Gjeld frå",
        "ended": "Gjeld ikkje frå",
        "status": "Status",
        "on": "Per dato",
        "number": "Talet på krav",
        "derived": "Avleidd av",
        "derived_text": "Krava er avleidde av ein annan kravspesifikasjon og avvik slik frå han:",
        "unchanged": "Likelydande",
        "changed": "Endra her",
        "added": "Eigne krav",
        "left": "Utelatne",
        "none": "ingen",
        "requirements": "Krav",
        "applies": "Gjeld for",
        "verification": "Verifikasjon",
        "clause": "Standard",
        "comment": "Merknad",
        "certified": "Sertifiserte produkt",
        "certified_none": "Ingen produkt er sertifiserte mot denne versjonen denne dagen.",
        "elsewhere": "Sertifisert mot spesifikasjonen som krava er avleidde av",
        "elsewhere_text": "Sertifikata under seier ingenting om desse krava her:",
        "product": "Produkt",
        "supplier": "Leverandør",
        "certificate": "Sertifikat",
        "valid": "Gyldig til",
        "forms": "Leveranseform",
        "excluded": "Ikkje rekna med",
        "why": "Kvifor",
        "equivalent": "Likeverdig dokumentasjon må godtakast der sertifisering er eit vilkår.",
        "cite": "Vis til dette uttrekket slik",
        "page": "Side",
        "of": "av",
    },
    "en": {
        "title": "Requirements",
        "owner": "Owner",
        "editors": "The catalogue's editors",
        "version": "Version",
        "effective": "Effective from",
        "ended": "Ended on",
        "status": "Status",
        "on": "As of",
        "number": "Requirements",
        "derived": "Derived from",
        "derived_text": "These requirements are derived from another specification and differ from it thus:",
        "unchanged": "The same",
        "changed": "Changed here",
        "added": "The owner's own",
        "left": "Left out",
        "none": "none",
        "requirements": "Requirements",
        "applies": "Applies to",
        "verification": "Verification",
        "clause": "Standard",
        "comment": "Comment",
        "certified": "Certified products",
        "certified_none": "No product is certified against this version on this day.",
        "elsewhere": "Certified against the specification that these are derived from",
        "elsewhere_text": "The certificates below say nothing of these requirements here:",
        "product": "Product",
        "supplier": "Supplier",
        "certificate": "Certificate",
        "valid": "Valid to",
        "forms": "Delivery form",
        "excluded": "Not counted",
        "why": "Why",
        "equivalent": "Equivalent evidence must be accepted where certification is a condition.",
        "cite": "Cite this extract as",
        "page": "Page",
        "of": "of",
    },
}


def pdf(pack: Mapping[str, Any], on: date, language: str) -> bytes:
    """`pack`: the answer as JSON values."""
    content = _content(pack, on, language)
    made = typst.compile(
        str(_TEMPLATE),
        sys_inputs={"pack": json.dumps(content, ensure_ascii=False)},
        pdf_standards=["a-2a", "ua-1"],
        ignore_system_fonts=True,
    )
    assert isinstance(made, bytes)
    return made


def _content(pack: Mapping[str, Any], on: date, language: str) -> dict[str, Any]:
    labels, derived = _LABELS[language], pack["derived_from"]

    def text(one: Mapping[str, str] | None) -> str:
        return in_language(one, language)

    def product(one: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "product": text(one["product_name"]),
            "supplier": one["supplier"] + (f" ({one['supplier_number']})" if one["supplier_number"] else ""),
            "certificate": one["certificate"],
            "valid": _day(one["valid_to_on"], language),
            "forms": ", ".join(_FORMS[language][form] for form in one["delivery_forms"]),
            "why": text(one.get("why")),
        }

    elsewhere = pack["certified_against_source"]
    return {
        "labels": labels,
        "language": language,
        "day": [on.year, on.month, on.day],
        "title": f"{labels['title']}: {text(pack['name'])}",
        "author": pack["owner"] or labels["editors"],
        "version": pack["version"],
        "status": _STATES[language][pack["status"]],
        "effective": _day(pack["effective_on"], language),
        "ended": _day(pack["ended_on"], language) if pack["ended_on"] else "",
        "on": dated(on, language),
        "number": ", ".join(
            f"{pack[f'{kind}s']} {_OBLIGATIONS[language][kind].lower()}" for kind in ("must", "should", "may")
        ),
        "derived": derived
        and {
            "from": f"{text(derived['name'])}, {labels['version'].lower()} {derived['version']}",
            "unchanged": str(derived["unchanged"]),
            "changed": ", ".join(derived["changed"]) or labels["none"],
            "added": ", ".join(derived["added"]) or labels["none"],
            "left": "; ".join(
                f"{one['id']} ({_OBLIGATIONS[language][one['obligation']].lower()})"
                + (f": {one['reason']}" if one["reason"] else "")
                for one in derived["left_out"]
            )
            or labels["none"],
        },
        "requirements": [
            {
                "id": one["id"],
                "obligation": _OBLIGATIONS[language][one["obligation"]],
                "text": text(one["text"]),
                "further": [
                    [labels[label], said]
                    for label, said in (
                        ("applies", text(one["applies_to"])),
                        (
                            "verification",
                            " ".join(
                                part
                                for part in (
                                    f"({_METHODS[language][one['method']]})" if one["method"] else "",
                                    text(one["verification"]),
                                )
                                if part
                            ),
                        ),
                        ("clause", f"{one['clause']['standard']}, {one['clause']['clause']}" if one["clause"] else ""),
                        ("comment", text(one["comment"])),
                    )
                    if said
                ],
            }
            for one in pack["requirements"]
        ],
        "certified": [product(one) for one in pack["certified"]],
        "elsewhere": [product(one) for one in elsewhere],
        "not_covered": ", ".join(elsewhere[0]["not_covered"]) if elsewhere else "",
        "excluded": [product(one) for one in pack["excluded"]],
        "citation": text(pack["citation"]),
    }


def _day(day: str | None, language: str) -> str:
    return dated(date.fromisoformat(day) if day else None, language)
