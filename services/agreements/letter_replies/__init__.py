"""A reply to a letter (svar på brev): what the supplier or the buyer answered to a call-off's letter through SvarUT.
Integration keeps its documents; the call-off shows who answered, when and with what."""
