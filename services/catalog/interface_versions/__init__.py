"""A version of an interface (grensesnittversjon): what consumers attach to; draft until it is published, then current,
deprecated (varslet utfaset) and in the end withdrawn (trukket tilbake), each from a day."""
