"""A forecast (prognose): when a ceiling will be reached, as a range of days that is meant to hold four times of five,
and the method that made it."""
