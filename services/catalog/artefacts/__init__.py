"""An artefact (grensesnittbeskrivelse): the machine-readable description of one version of an interface, an OpenAPI,
AsyncAPI or XSD document, kept byte for byte under its hash."""
