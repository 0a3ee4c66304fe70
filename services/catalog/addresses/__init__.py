"""An address (nettverksadresse): where on the network a name leads that a stranger has given us. Only what is reachable
from the whole Internet may be called on somebody's behalf, so that nobody reaches through us what only we can."""
