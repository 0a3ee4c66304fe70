"""A threshold (terskelverdi): the value without VAT from which stricter rules hold for a procurement, from one day to
another. A day that no row covers is refused, never guessed."""
