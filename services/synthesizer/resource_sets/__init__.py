"""Resource sets: named sets of resources that many conversations share."""
