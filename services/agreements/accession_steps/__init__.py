"""A step of an accession (steg i en tilslutning): what the framework owner does with it once it is submitted (approve,
reject, start, end), and the organisation that accedes (withdraw, give notice, take the notice back)."""
