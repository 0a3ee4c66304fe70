"""An interface (grensesnitt): what one component offers to others so that they can work together, through many
versions; its own entry, apart from the component that provides it."""
