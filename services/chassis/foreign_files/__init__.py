"""Files that strangers made: what they are, and what in them would harm whoever opens them. They are looked through in
a process of its own, within bounds, and by their content alone."""
