"""A confirmation (årlig bekreftelse): an organisation says that its list of adoptions is current, correct and complete
as of a day."""
