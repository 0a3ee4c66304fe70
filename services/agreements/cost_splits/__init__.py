"""A cost split (fordeling av kostnad): what each member pays of something that they share, by a cost key
(fordelingsnøkkel), exact to the øre.

Every key gives every member a weight. Keys without rates *split* an amount that is given. Keys with rates, so many NOK
for each member or inhabitant, also *produce* contributions when no amount is given: their sum is then the amount.
"""
