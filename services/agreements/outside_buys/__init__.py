"""Buys outside an agreement (kjøp utenfor avtale, lekkasje): what a buyer's own books show that it bought elsewhere, or
without an order, although an agreement that it has acceded to covers it."""
