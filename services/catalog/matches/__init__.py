"""A match (treff): a product or component that may meet a need, requirement by requirement, with what is certified and
what its supplier only declares kept apart, and the gaps that are left."""
