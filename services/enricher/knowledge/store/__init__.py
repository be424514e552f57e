"""The tables of documents, and what reads and writes them."""
