"""Sets letters and papers as PDF/A-2a and PDF/UA-1, by a template and its content."""

import io
import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst

from services.agreements.letters import rules
from services.chassis.view import FALL_BACK


def pdf(template: Path, content: Mapping[str, Any]) -> bytes:
    """The same content gives the same bytes. It stands in the template's input `letter`, as JSON."""
    told = json.dumps(content, ensure_ascii=False)
    try:
        return _typeset(template, told)
    except typst.TypstError:
        return _typeset(template, rules.in_latin(told))  # no letter waits for ever for a character that no font has


def _typeset(template: Path, content: str) -> bytes:
    made = typst.compile(
        str(template),
        sys_inputs={"letter": content},
        pdf_standards=["a-2a", "ua-1"],
        ignore_system_fonts=True,  # those in the wheel: the same everywhere
    )
    assert isinstance(made, bytes)
    return made


@cache
def words(file: Path) -> dict[str, Any]:
    """What a language's letters say by themselves."""
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def text(text: Mapping[str, str], language: str) -> dict[str, str]:
    """A text in a language, or in the first that there is, and in which."""
    used = next(one for one in FALL_BACK[language] if text.get(one))
    return {"text": rules.printable(text[used]), "language": used}


def number(value: Decimal | int, form: str, marks: tuple[str, str]) -> str:
    """A number with a language's marks of thousands and decimals."""
    thousands, decimals = marks
    return f"{value:{form}}".translate({ord(","): thousands, ord("."): decimals})


def qr(url: str) -> str:
    """An SVG with the quiet zone that readers need; a seventh of it may be damaged (level M)."""
    drawn = io.BytesIO()
    segno.make(url, error="m", micro=False).save(drawn, kind="svg", border=4, xmldecl=False)
    return drawn.getvalue().decode()
