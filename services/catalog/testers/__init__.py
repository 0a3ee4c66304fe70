"""A tester (testverktøy): an organisation's test tool, known by its public key, whose signed reports are taken once
somebody else has approved it."""
