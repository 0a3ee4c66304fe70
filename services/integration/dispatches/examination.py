"""Has every document of a letter looked through, one after the other, within a time for the whole."""

import time
from collections.abc import Iterator, Sequence

from services.chassis.foreign_files import examination
from services.chassis.problems import Problem
from services.integration.dispatches import rules
from services.integration.dispatches.rules import Document


def examine(documents: Sequence[Document]) -> Iterator[Problem]:
    """All that is wrong with what documents hold, but for those with which `rules.check` finds fault already. A letter
    whose documents nobody can look through is not taken."""
    ends = time.monotonic() + rules.LONGEST_EXAMINATION_SECONDS
    for position, document in enumerate(documents):
        if not document.content or not document.looks_right():
            continue
        try:
            if time.monotonic() > ends:
                raise examination.TooCostly
            yield from rules.check_findings(
                position, examination.examine(document.content, rules.MEDIA_TYPES[document.media_type])
            )
        except examination.TooCostly:
            yield rules.DocumentTooCostly(pointer=f"#/documents/{position}/content_base64")
        except examination.NotExamined as error:
            raise rules.ExaminersOfDocumentsBusy from error
