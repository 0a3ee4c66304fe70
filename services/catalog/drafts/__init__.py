"""A draft (utkast) of a specification's version: its requirements are put in one by one or from a requirement table
(kravtabell) in CSV or XLSX, until it is published."""
