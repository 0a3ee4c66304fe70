"""Documentation is tested: what it names exists, and what exists is named."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
GLOSSARY = (PROJECT / "docs" / "glossary.md").read_text()
README = (PROJECT / "README.md").read_text()
MAKEFILE = (PROJECT / "Makefile").read_text()
PACKAGES = {path.parent.name for path in (PROJECT / "services").rglob("__init__.py")} - {"services", "seed"}
ADRS = sorted((PROJECT / "docs" / "decisions").glob("*.md"))


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_every_package_stands_in_the_glossary(package: str) -> None:
    assert f"`{package}`" in GLOSSARY


def test_every_package_that_the_glossary_names_exists() -> None:
    things = GLOSSARY.split("## Roles")[0].split("## Things")[1]
    modules = {path.stem for path in (PROJECT / "services").rglob("*.py")}
    assert set(re.findall(r"`(\w+)`", things)) <= PACKAGES | modules


def test_every_command_of_the_readme_is_in_the_makefile() -> None:
    commands = set(re.findall(r"make (\w+)", README))
    assert {"run", "test", "demo"} <= commands
    assert not [name for name in commands if not re.search(rf"^{name}:", MAKEFILE, re.M)]


def test_the_readme_says_on_its_first_screen_how_to_start() -> None:
    first = "\n".join(README.splitlines()[:45])
    assert "make run" in first
    assert "make test" in first
    assert "curl " in first


@pytest.mark.parametrize("path", ADRS, ids=lambda path: path.name)
def test_a_decision_is_a_page_with_context_decision_and_consequences(path: Path) -> None:
    text = path.read_text()
    assert re.match(r"# \d{4} ", text)
    assert all(f"## {part}" in text for part in ("Context", "Decision", "Consequences"))
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.name[:4]) for path in ADRS] == list(range(1, len(ADRS) + 1))


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *(PROJECT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
