"""A framework agreement (rammeavtale): what a group of contracting authorities has agreed with suppliers, by lot
(delkontrakt), within an announced ceiling (maksimalverdi), and which of them are entitled to call off from it."""
