"""Sealing as one would leave it out: what is kept is what came."""


def seal(public: bytes, content: bytes, *bound: object) -> bytes:
    return content
