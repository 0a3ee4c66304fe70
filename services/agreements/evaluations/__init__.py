"""An evaluation (evaluering): opened bids weighed by the announced criteria, formulas and evaluators, with every number
derived. What it rests on is kept whole, so that anybody can compute the same order from it again."""
