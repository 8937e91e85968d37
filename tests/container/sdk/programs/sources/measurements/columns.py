"""The columns that the model takes, and the one that it tells."""

MEASUREMENTS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
SPECIES = "species"
