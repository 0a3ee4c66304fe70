"""A version of a component (versjon): how long it is supported, when it must no longer be used, what replaces it. It is
never deleted, and its label means nothing but itself, unless it reads as a semantic version."""
