"""Where scripts look for the framework."""
