"""An allocation (fordeling) of an adoption after a split: which of the successors carries it on. It counts only when
every successor has said yes, each with its own token."""
