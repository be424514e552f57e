"""Recordings: what models were asked and answered, so that a run can be repeated without them."""
