"""An award criterion (tildelingskriterium): what a competition has announced that it weighs bids by, how much, and by
which formula; or a must, which is met or not."""
