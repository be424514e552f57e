"""Pure types and functions behind greenroom.type.v1: nothing here does I/O, reads a clock or draws at random."""
