"""A UBL message (UBL-melding): a document of UBL 2.1 as Peppol BIS Ordering 3 uses it, as elements and as bytes."""
