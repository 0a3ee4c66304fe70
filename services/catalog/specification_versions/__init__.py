"""A specification's version (versjon av en kravspesifikasjon): draft (utkast), effective (gjeldende), warned (varslet
utfaset), ended (utgått), each from a day. Several may be in force at once."""
