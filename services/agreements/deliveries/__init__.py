"""A delivery (leveranse): what the supplier says that it delivered of an order on a day, in one part or in several.
What the certificates of its products said of that day is kept with it."""
