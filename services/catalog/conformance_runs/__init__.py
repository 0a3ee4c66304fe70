"""A conformance run (samsvarstest): one automated test of a supplier's test endpoint against the contract of an
interface, done by a worker in a process of its own, whose report is evidence for the requirements that it shows."""
