"""A paper of a mini-competition (konkurransedokument): what people read of it, set as PDF: the invitation, questions
and answers, what was changed, the opening record (åpningsprotokoll), the evaluation report, and the award's letters."""
