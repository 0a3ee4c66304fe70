"""A membership that a successor has inherited (arvet medlemskap): it confirms or declines it itself; after a split all
successors confirm an allocation (fordeling) that names who carries it on. Answers are only ever added."""
