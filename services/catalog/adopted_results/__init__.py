"""Results that an assessment takes over (overtatte resultater): of signed test reports, or of the supplier's own
declaration, each shown as what it is."""
