"""The inbox (innboks): the letters that SvarUT has received, to be looked at, and moved on, by whoever tries the
system."""
