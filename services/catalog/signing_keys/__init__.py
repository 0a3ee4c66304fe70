"""A signing key (signeringsnøkkel): what the catalogue signs certificates and status lists with, so that anybody can
verify them without asking. The private half lives in a folder and nowhere else; the public half is published before it
signs, and for as long as anything that it signed counts."""
