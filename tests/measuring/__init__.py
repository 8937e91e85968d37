"""What of the project the tests run: measured in every process, and told by package."""
