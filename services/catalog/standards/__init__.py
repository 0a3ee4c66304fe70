"""A standard (standard) that public bodies are bound by, or advised to follow: what it is, who publishes it, and its
clauses (punkter), which requirements can refer to. Whom it binds, and since when, are its bindings."""
