"""Who looks after a component (forvalter): its owner confirms that what stands there is right, or hands it over to
another organisation, which takes it."""
