"""The end of a supply contract (kontraktsutløp): whose contracts end in a window of days, so that those who must buy
anew at the same time find each other."""
