"""API traces: workflows, generation, formats, readers of logs, learning, certificates. A pure library."""
