"""An account (konto) at SvarUT that letters go from: whether they may go now, or wait together until SvarUT is there
again or knows us again."""
