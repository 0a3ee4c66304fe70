"""A step (steg) in the life of a component: proposed again, approved, rejected, published, deprecated, reinstated,
retired, or a planned one called off."""
