"""A product (produkt): what a supplier offers for a component, in one or more delivery forms (leveranseformer)."""
