"""An accession (tilslutning): a contracting authority that the notice names joins a framework agreement by a decision
of its own, binding or optional, and leaves it with notice. It orders for itself, as a legal person for its members, or
as a host municipality (vertskommune) for the municipalities it lists."""
