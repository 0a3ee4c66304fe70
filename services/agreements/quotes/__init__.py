"""A quote (prisoverslag): what a basket would cost at every supplier of a lot, what room is left for it, who would be
asked first and why, or all that stands against it. Nothing is written and nothing is held: another call-off may come
first."""
