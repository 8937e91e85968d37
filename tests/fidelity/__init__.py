"""The endpoint's answers held against what others give for the same."""
