"""A comparison (sammenligning) of two versions of an interface: what changed in the contract, what of it breaks those
who keep to the older one, and whom that hits."""
