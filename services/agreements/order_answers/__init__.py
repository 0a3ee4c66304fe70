"""An order answer (ordrebekreftelse): what a supplier's own system answers to an order in UBL. It takes the same steps
as an answer over JSON."""
