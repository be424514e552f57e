"""Domain packs: what a business knows, as plain values."""
