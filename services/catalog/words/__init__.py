"""Words (ord) as a search compares them: folded, so that æ, ø and å meet ae, oe, aa, o and a; stemmed as Norwegian and
as English; and the vocabulary (ordforråd) of all public names, which tells a misspelt word from a rare one."""
