"""Spend as a file (forbruksrapport): what was posted, by whom it was bought and from whom, for which component, period
by period, as CSV and XLSX."""
