"""A test report (testrapport): what a test tool found about a version of a product, signed with the tool's own key.
What is met is taken at once; what is not waits until a person has looked at it. It is no decision: a failed test takes
nothing away."""
