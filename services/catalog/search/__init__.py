"""The search (søk) over everything that the catalogue holds: one entry (søkeoppføring) for each thing, with the words
that find it, the facets (fasetter) that narrow it, and a weight. What matches best comes first: the thing's own name,
then all words in the name, then words anywhere; within each, what is most complete and alive."""
