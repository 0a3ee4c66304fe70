"""A delegation (delegering): a supplier lets a tester file reports about one of its products, until a day."""
