"""A cancellation (tilbakekalling) of a dispatch: its sender takes it back before it has left."""
