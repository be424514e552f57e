"""The tables and what is read from and written to them."""
