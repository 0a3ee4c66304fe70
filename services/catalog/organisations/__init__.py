"""An organisation (organisasjon): municipality, county, co-operation, supplier, state agency or the joint unit,
known by an id of its own as it may lack an organisation number. A co-operation (interkommunalt samarbeid) is shown
with its members as they were recorded in 2015, and what is known of each today."""
