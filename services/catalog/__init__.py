"""The catalogue of shared components (felleskomponentkatalogen): what exists, what is certified, who uses what."""
