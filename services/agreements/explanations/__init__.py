"""An explanation (begrunnelse): why a call-off went to its supplier, and the proof that the announced award key, tried
again on the frozen inputs, gives the same answer."""
