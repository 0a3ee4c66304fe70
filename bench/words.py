"""Made-up names and summaries of components, in words that are as rare and as common as in real ones."""

import random
from collections.abc import Iterator

from services.catalog.search.rules import Entry, Type, weight
from services.chassis.values import sort_key

COMMON = "kommune tjeneste felles digital innbygger løsning system".split()  # noqa: SIM905  # read as a text
FIRST = """
    arkiv barnehage bygg skole helse omsorg plan vann avløp kart skatt journal vei park idrett kultur bibliotek museum
    havn brann bolig eiendom barnevern pleie rus psykisk ergo fysio lege tann syn hørsel språk migrasjon valg post møte
    sak dokument økonomi lønn personal innkjøp faktura budsjett regnskap avgift renovasjon miljø klima energi strøm
    fjernvarme parkering ferge buss tog sykkel gang båt fiske jakt skog jord landbruk dyr mattilsyn skjenke servering
    kirke gravlund frivillig ungdom eldre demens trygghet velferd sensor alarm varsel beredskap sikkerhet identitet
    tilgang samtykke melding skjema søknad vedtak klage innsyn publisering nettsted kalender booking betaling kvittering
""".split()  # noqa: SIM905
LAST = """
    register portal plattform modul motor tjener arkiv bank bok kort logg flyt styring forvaltning oversikt varsling
    deling utveksling integrasjon kobling kontroll tilsyn rapport statistikk analyse modell katalog indeks søk tjeneste
    system løsning app klient adapter bro ramme verk sentral base lager nøkkel spor signal protokoll format profil
""".split()  # noqa: SIM905
RARE, MEDIUM, FREQUENT = "vrakpanteordning", "ergometriregister", "digital"
"""Words that stand in about 1 of 2,000, 1 of 100 and 1 of 3 entries."""
FACETS = {
    "kind": ["component"] * 12 + ["standard", "project", "guide"],
    "reuse": ["reuse", "shared_use", "both", ""],
    "level": ["national", "county", "municipal", "municipal", ""],
    "life_cycle": ["proposed", "approved", "available", "available", "deprecated", "retired", "unknown"],
    "licence": ["EUPL-1.2", "MIT", "Apache-2.0", "", ""],
}


def texts(number: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """→ name, summary; the first n are the same however many there are"""
    chance = random.Random(seed)  # the same words in every run
    compounds = [first + last for first in FIRST for last in LAST]
    chance.shuffle(compounds)
    frequency = [1 / (rank + 10) for rank in range(len(compounds))]
    for place in range(number):
        (subject,) = chance.choices(compounds, frequency)
        name = [subject.capitalize()]
        if chance.random() < 0.3:
            name.insert(0, FREQUENT.capitalize())
        if chance.random() < 0.4:
            name += ["for", chance.choice(FIRST)]
        if place % 97 == 5:
            name += ["og", MEDIUM]
        if place % 1999 == 7:
            name += ["med", RARE]
        name.append(str(place))
        said = chance.choices(compounds, frequency, k=12) + chance.choices(COMMON, k=4) + chance.choices(FIRST, k=6)
        chance.shuffle(said)
        yield " ".join(name), f"{' '.join(said).capitalize()}."


def entries(number: int) -> Iterator[Entry]:
    """Components as the search finds them."""
    chance = random.Random(2)
    for place, (name, summary) in enumerate(texts(number)):
        facets = {facet: chosen for facet, values in FACETS.items() if (chosen := chance.choice(values))}
        yield Entry(
            Type.COMPONENT,
            f"maaling-{place}",
            f"/components/maaling-{place}",
            {"nb": name},
            sort_key(name),
            summary={"nb": summary},
            facets=facets | {"owner": str(100_000_000 + chance.randrange(357))},
            weight=weight(
                complete=chance.random(),
                ended=facets["life_cycle"] == "retired",
                certified=max(0, chance.randrange(-8, 5)),
            ),
        )
