"""The outside world: the forms of packs, as files and as messages."""
