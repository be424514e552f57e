"""The mapping between the synthesizer's messages and its domain: one file a message family, nothing else in them."""
