"""An organisation (organisasjon): municipality, county, co-operation, supplier, state agency or the joint unit,
known by an id of its own as it may lack an organisation number. It is one legal person over time: its names, numbers,
county and population are dated, and what ends may have successors."""
