"""A product (produkt): what a supplier (leverandør) offers for one or several components, or declares to meet a
requirement specification with, in one or more delivery forms (leveranseformer), each run in a country. A public body
may register one on a supplier's behalf, until the supplier takes it over."""
