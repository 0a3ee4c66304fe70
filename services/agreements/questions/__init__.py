"""Questions and answers (spørsmål og svar) about a mini-competition: everybody who is invited reads all of them, and
nobody learns who asked.
"""
