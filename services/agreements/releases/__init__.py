"""A release (utgivelse): how a contracting process stood when it was published, in OCDS, for anyone's system to read.
Once given out under its id it never changes; what is new comes as the next one."""
