"""Knowledge: documents that companies store and search."""
