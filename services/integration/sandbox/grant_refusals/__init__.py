"""A grant refusal: how Maskinporten says no, with its error, its code (MP-…) and its status."""
