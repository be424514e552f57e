"""Labels: the words by which a company finds its sources and batches."""
