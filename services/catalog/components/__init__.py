"""A shared component (felleskomponent): software, or a standard, report, project, scheme or guide, that one
organisation offers to others, for reuse (gjenbruk: copied and run by each) or shared use (sambruk: one running
instance for all)."""
