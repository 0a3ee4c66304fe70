"""The life of a component (livssyklus): proposed (foreslått), approved (godkjent), available (tilgjengelig), deprecated
(utfaset), retired (avviklet), or rejected (avvist). Its state on a day is derived from events that are only ever
added."""
