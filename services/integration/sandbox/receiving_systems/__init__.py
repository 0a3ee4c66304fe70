"""A receiving system (mottakersystem) is an organisation's own program that fetches its post from SvarInn itself, in
stead of having it in Altinn or on paper; it is known by a user name, and reads with a key of its own."""
