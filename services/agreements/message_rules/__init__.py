"""A rule of messages (regel for ordremeldinger): what must hold within a UBL message, by the name that Peppol gives the
rule. Peppol's own schematron is not run: these are the same rules written anew, tried one by one."""
