"""A landscape (systemlandskap): everything that an organisation uses on a day, of its own, inherited from those that it
came from, and through its co-operations; and, seen from a component, who uses it."""
