"""Equivalent evidence (likeverdig dokumentasjon): another scheme's certificate that shows the same as ours would, for a
product and a version of a specification. Recorded with a reason by one person and confirmed by another. It is not a
certificate, and is never shown as one."""
