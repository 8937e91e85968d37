"""What fitted estimators tell of themselves, read by names alone: no library is imported for it."""
