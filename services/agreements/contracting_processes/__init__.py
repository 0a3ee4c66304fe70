"""A contracting process (anskaffelsesprosess): what of a framework agreement or a call-off is open to everybody, as the
Open Contracting Data Standard (OCDS 1.1.5) tells it. Each call-off is a process of its own, which names the framework
agreement's."""
