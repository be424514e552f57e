"""The tables of conversations, and what reads and writes them."""
