"""A login session (innlogget økt): that a person has logged in to a provider in one browser, at a level, and which
clients were told so. ID-porten shares it between clients; Ansattporten gives each client its own."""
