"""A dependency (avhengighet): a component needs another, in some versions or any. Between components as such, not
between versions: that would be much upkeep for little insight. Nothing depends on itself, not through others either."""
