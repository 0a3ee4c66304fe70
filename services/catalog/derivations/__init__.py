"""A derived specification (avledet kravspesifikasjon): a municipality's own copy of another's, adapted, that knows
requirement by requirement what it stands for, and can follow what becomes of it."""
