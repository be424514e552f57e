"""The catalogue: personas, procedures and sources, which rehearsals are made from."""
