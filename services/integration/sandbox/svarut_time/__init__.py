"""SvarUT's time: it can be let pass, or run faster than ours, so that a reading deadline of 40 hours on working days
(lesefrist) ends within a test."""
