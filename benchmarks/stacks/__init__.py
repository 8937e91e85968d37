"""The servers that are compared, each started as its users would start it."""
