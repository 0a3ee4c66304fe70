"""An attachment (vedlegg): an evidence file that a party lays beside what it says, in a resolution or an appeal."""
