"""Reading a message (lesing av en ordremelding): what it says of an order's sides, lines, amounts and day, alike
whoever sent it."""
