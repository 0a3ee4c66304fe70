"""An order message (ordremelding): what of a call-off another system can read, as UBL by Peppol BIS Ordering 3. Each is
told once, kept byte for byte, and says what it cannot express."""
