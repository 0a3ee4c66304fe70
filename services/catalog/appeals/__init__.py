"""An appeal (klage): the party that a decision went against asks for it to be looked at again, by somebody else, within
the scheme's days. Meanwhile what was decided can be stayed (utsatt iverksetting); one that is upheld (medhold)
annuls it."""
