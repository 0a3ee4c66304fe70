"""Samvirke: three services that share a wire, and the chassis they are built on."""
