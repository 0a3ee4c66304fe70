"""A requirement (krav): must, should or may (må, bør, kan), with a condition (gjelder for), how it is shown to be met,
and the clause of a standard that it rests on. Its id belongs to one specification and never comes to mean anything
else."""
