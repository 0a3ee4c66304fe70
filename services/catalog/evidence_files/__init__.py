"""An evidence file (dokumentasjon): what somebody found, kept byte for byte under its hash, after it has been looked
through for what would harm whoever opens it. It is withdrawn at most, never removed."""
