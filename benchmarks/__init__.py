"""What is measured, and the programs that measure it."""
