"""A repository (kildekodelager) that holds a component's source, by one address however it is written, and the modules
(moduler) that a component is made of. Nothing is ever fetched from it."""
