"""A procurement pack (konkurransegrunnlag fra kravspesifikasjon): the dated, citable list of a specification's
requirements, and which products are certified against it on that day."""
