"""A decision (vedtak) on an application: granted (innvilget), granted with conditions (innvilget med forbehold), or
refused (avslått), by another person than whoever assessed. What was granted becomes a certificate in the same moment.
It can be appealed against (påklages) within the scheme's days."""
