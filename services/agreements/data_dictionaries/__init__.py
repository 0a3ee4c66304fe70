"""Data dictionaries (dataordbok): what every column of every report means, what it is measured in and where it comes
from."""
