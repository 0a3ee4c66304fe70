"""A framework agreement's contracting process (rammeavtalen som anskaffelsesprosess): what of it is open to everybody,
as the first stage that the processes of its call-offs refer to."""
