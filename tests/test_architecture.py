"""What the import contracts cannot say: a rule is a test or it is a wish."""

import ast
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FILES = sorted((PROJECT / "services").rglob("*.py"))
CONCEPT_FILES = {"__init__.py", "rules.py", "store.py", "api.py"}
FIFTH = {
    "conformance_runs/bounds.py": "has an endpoint tested in a process of its own, and bounds that",
    "conformance_runs/runner.py": "that process: bounds itself and watches over what it does",
    "conformance_runs/trial.py": "what it does: makes requests by the contract and looks at the answers",
    "conformance_runs/wire.py": "speaks HTTP with the checked address and no other",
    "decisions/shapes.py": "a decision stands in the routes of two concepts in one wire shape",
    "applications/shapes.py": "an application stands in the routes of two concepts in one wire shape",
    "components/shapes.py": "a component has some thirty fields, each told what it is, in three shapes",
    "adoptions/shapes.py": "adoptions stand in the routes of several concepts, with no more than the viewer may see",
    "artefacts/examination.py": "has a document examined in a process of its own",
    "artefacts/formats.py": "what that process does: looks at OpenAPI and AsyncAPI",
    "artefacts/reading.py": "reads JSON and YAML that strangers made, within bounds",
    "artefacts/xsd.py": "reads XSD that strangers made, and opens nothing else",
    "certificate_pages/document.py": "draws the page and the badge",
    "bids/shapes.py": "a bid stands in the routes of two concepts, and its documents are looked through as it comes",
    "mini_competitions/shapes.py": "a mini-competition stands in the routes of several concepts in one wire shape",
    "evaluations/shapes.py": "marks stand in a route, and in the files of the seed",
    "awards/placing.py": "asks, decides and keeps in one order, for the route and the worker",
    "calloffs/placing.py": "asks, decides and keeps in one order, for routes, the worker and the seed",
    "calloffs/shapes.py": "a call-off stands in the routes of several concepts in one wire shape",
    "order_messages/document.py": "writes a message of UBL, some ninety elements of it",
    "ubl_messages/wire.py": "reads XML that strangers made, and writes our own",
    "calloffs/letter.py": "says what stands on the order letter",
    "letters/document.py": "typesets letters and papers",
    "competition_papers/document.py": "says what stands on the papers of a mini-competition",
    "appeals/shapes.py": "an appeal stands in the routes of two concepts, with no more than the viewer may see",
    "appeals/targets.py": "what an appeal is against is of three kinds, each kept by another concept",
    "non_conformities/shapes.py": "they stand in the routes of two concepts, with no more than the viewer may see",
    "certificates/shapes.py": "a certificate stands in the routes of several concepts in one wire shape",
    "assessments/shapes.py": "a result stands in the routes of three concepts in one wire shape",
    "testers/signatures.py": "what only a cryptographic library can say of a key",
    "maskinporten/signatures.py": "signs tokens and checks grants by a cryptographic library's own operations",
    "accessions/shapes.py": "an accession stands in the routes of two concepts in one wire shape",
    "cost_splits/shapes.py": "cost keys and shares stand in the routes of several concepts in one wire shape",
    "agreement_changes/shapes.py": "a change stands in the routes of changes and of their previews",
    "price_terms/shapes.py": "price terms stand in the routes of agreements, places and price lists",
    "places/shapes.py": "places and prices stand in the routes of three concepts, with no more than the viewer may see",
    "entries/shapes.py": "what narrows the ledger stands in the routes of two concepts",
    "frameworks/shapes.py": "a framework agreement stands in the routes of two concepts in one wire shape",
    "fates/shapes.py": "a fate stands in routes, and in the files of scenarios",
    "inbox/document.py": "draws what people see of letters",
    "submissions/asking.py": "what every version of SvarUT's REST wants to know of a multipart body",
    "submissions/placing.py": "looks at a letter, decides on its way and keeps it, for three versions and for signings",
    "svarut_accounts/asking.py": "what every version of SvarUT's REST wants to know of who asks",
    "svarut_v1/shapes.py": "a letter has some thirty fields, as another service writes them",
    "svarut_v2/shapes.py": "the same, as they were named next",
    "svarut_v3/shapes.py": "four kinds of letters of as many fields",
    "self_service/shapes.py": "scopes and clients have some fifteen fields each, as another service writes them",
    "replies/archives.py": "takes documents out of ZIP archives that strangers made, within bounds",
    "replies/envelope.py": "has openssl open what SvarInn encrypted",
    "replies/fetching.py": "asks, reads and keeps in one order, for the worker",
    "svarinn/shapes.py": "a letter stands in two models, spelt as KS spells them",
    "shares/shapes.py": "cost sharing stands in the routes of call-offs",
    "dispatches/examination.py": "has every document of a letter looked through, within a time for the whole",
    "dispatches/shapes.py": "a dispatch stands in the routes of two concepts in one wire shape",
    "drafts/sheet.py": "reads tables out of files that strangers made, within bounds",
    "report_tables/sheet.py": "reads tables out of files that strangers made, within bounds, and writes CSV and XLSX",
    "packs/document.py": "typesets the procurement pack",
    "verifications/shapes.py": "a question and its answer stand in the routes of several concepts in one wire shape",
    "providers/asking.py": "what every route of a login provider wants to know of a request",
    "schemes/shapes.py": "who takes part in certification is asked for alike in the routes of many concepts",
    "specifications/shapes.py": "requirements and versions stand in the routes of several concepts in one wire shape",
}
OUTSIDE_CONCEPTS = {"db.py", "settings.py", "app.py", "jobs.py", "permissions.py", "seed.py"}
FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "base", "manager", "handler", "factory", "impl", "dto"}


def names(path: Path) -> set[str]:
    """Every dotted name that a module uses, such as `os.environ` or `session.commit`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            found.add(f"{node.value.id if isinstance(node.value, ast.Name) else '?'}.{node.attr}")
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def relative(path: Path) -> str:
    return str(path.relative_to(PROJECT / "services"))


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_only_the_chassis_commits(path: Path) -> None:
    if relative(path) != "chassis/db.py":
        assert not [name for name in names(path) if name.endswith((".commit", ".rollback"))]


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_the_environment_is_read_in_settings_only(path: Path) -> None:
    if path.name != "settings.py" and relative(path) != "chassis/embedded.py":
        assert not names(path) & {"os.environ", "os.getenv"}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_concept_raises_what_only_a_framework_should(path: Path) -> None:
    if relative(path) != "chassis/app.py":
        assert not [name for name in names(path) if name.endswith(".HTTPException")]


@pytest.mark.parametrize("path", [path for path in FILES if path.name == "rules.py"], ids=relative)
def test_rules_have_no_clock(path: Path) -> None:
    clocks = {"date.today", "datetime.now", "datetime.utcnow", "time.time", "services.chassis.clock"}
    assert not {name for name in names(path) if name in clocks or name.startswith("services.chassis.clock")}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_clients_of_neighbours_are_used_from_the_edge_only(path: Path) -> None:
    if path.name not in ("api.py", "jobs.py", "app.py"):
        assert not [name for name in names(path) if re.search(r"_client(\.|$)", name) and "services." in name]


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "the first line of a module says what it is for"


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_file_is_named_after_nothing(path: Path) -> None:
    assert not FORBIDDEN_NAMES & set(Path(relative(path)).with_suffix("").parts)


def test_a_concept_is_four_files() -> None:
    concepts = {path.parent for path in FILES if path.name in ("rules.py", "store.py", "api.py")}
    extra = [
        f"{folder.name}/{path.name}"
        for folder in concepts
        for path in folder.glob("*.py")
        if path.name not in CONCEPT_FILES
    ]
    assert set(extra) == set(FIFTH)


def test_migrations_are_no_package() -> None:
    assert not (PROJECT / "alembic" / "__init__.py").exists(), "it would shadow the alembic package"


def test_nothing_names_a_machine_or_an_index() -> None:
    hosts = ["files.python" + "hosted", "pypi" + ".org", "registry." + "npmjs", "deb." + "debian"]
    places = re.compile(r"(?<![\w./~-])/(?:work|root|farm|tmp/bash_jobs)/")
    for path in [*PROJECT.glob("*.*"), *PROJECT.glob("docs/**/*"), *FILES, *PROJECT.glob("tests/clients/*.json")]:
        if path.is_file():
            text = path.read_text(errors="replace")
            assert not [host for host in hosts if host in text], path
            assert not places.search(text), path
