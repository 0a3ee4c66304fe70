"""A joining (tilslutning til et behov): another organisation has the same need and says so, for itself or, as a
co-operation, for its members."""
