"""A test endpoint (testendepunkt): where a supplier lets an interface of its product be tested. Its host is called only
when an assessor of another organisation has approved it for that product: the approved ones are the list of hosts."""
