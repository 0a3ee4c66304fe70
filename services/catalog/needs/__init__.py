"""A need (behov): what a municipality is looking for, with the requirements it has to meet and the project that is
planned, so that others can join (slutte seg til) before anybody buys."""
