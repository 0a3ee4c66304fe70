"""An order change (ordreendring): other lines or another day than ordered, proposed by the supplier before it confirms
or by the buyer after. The other side answers; until then, and when it refuses the buyer's, the order stands."""
