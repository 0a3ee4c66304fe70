"""A report's table (rapporttabell): its columns as a data dictionary tells them, read out of files that strangers made
and written as CSV and XLSX."""
