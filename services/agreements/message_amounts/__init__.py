"""An amount of a message (beløp i en ordremelding): what its sums, prices, allowances and taxes must add up to."""
