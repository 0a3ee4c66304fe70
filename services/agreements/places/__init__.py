"""A place (plass): a supplier's seat in a lot of a framework agreement, with rank (rangering) and price list."""
