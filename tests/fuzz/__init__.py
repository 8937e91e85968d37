"""Bodies of every format, damaged at random, and the ones that once were too much."""
