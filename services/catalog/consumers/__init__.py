"""A consumer (konsument) of an interface: a component that uses one version of it, from a day until it moves on.
Whoever changes the version sees whom it hits."""
