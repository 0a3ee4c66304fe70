"""An assessment (vurdering): what assessors find about each requirement that an application is held to, and what they
recommend (innstilling). It decides nothing."""
