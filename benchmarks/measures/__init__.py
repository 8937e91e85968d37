"""What is measured, each a function from a session to figures."""
