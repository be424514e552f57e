"""API traces: workflows, generation, datasets, learning, certificates."""
