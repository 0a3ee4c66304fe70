"""A price list (prisliste): a place's prices in versions, each from a day on. A version never changes an earlier one;
how far and by what prices move (index clause, indeksregulering; bounds) is agreed beforehand."""
