"""A submission (innsending) is a letter as a sender hands it over, metadata and files, whichever version of REST it
comes through."""
