"""A take-over (overtakelse): a supplier takes a product's record, which a public body registered on its behalf, into
its own hands. An editor can reject it, with a reason, when the product is not the supplier's after all."""
