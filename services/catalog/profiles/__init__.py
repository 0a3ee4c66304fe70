"""A profile (profil): a named part of the requirements of a specification's version, for products that do only some of
what it is about. A certificate says which profile it is for; without one it is for the whole version."""
