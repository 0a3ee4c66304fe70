"""A non-conformity (avvik): what surveillance, a test report or a complaint shows to be wrong about something that is
certified. It starts a repair period and suspends nothing by itself: the holder makes a corrective action plan
(korrigerende tiltak), and only one who lets its days pass can have the certificate suspended until it is closed."""
