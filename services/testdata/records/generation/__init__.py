"""Records by construction: references first, then each field among the values that the rules allow."""
