"""A supply contract (leveransekontrakt): from whom an adopted thing is bought, until when, with which options
(opsjoner), and when notice must be given. Only municipal bodies see it."""
