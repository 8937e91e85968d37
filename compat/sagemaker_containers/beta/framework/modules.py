"""Imported by scripts that do not use it."""
