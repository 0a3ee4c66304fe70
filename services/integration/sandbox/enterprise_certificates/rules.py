"""Whose an enterprise certificate is. Two forms are in use: the number alone (`serialNumber` of the subject) in older
ones, and `NTRNO-` before it (`organizationIdentifier`, ETSI EN 319 412-1) in newer ones."""

import re

_NEW = re.compile(r"NTRNO-([0-9]{9})")
_OLD = re.compile(r"[0-9]{9}")


def organisation(identifiers: list[str], serial_numbers: list[str]) -> str | None:
    """The values of the subject's two attributes → the organisation number"""
    for one in identifiers:
        if found := _NEW.fullmatch(one):
            return found[1]
    return next((one for one in serial_numbers if _OLD.fullmatch(one)), None)
