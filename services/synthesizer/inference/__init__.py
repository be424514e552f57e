"""Infers a procedure and personas from recorded conversations. `operations` has the I/O; the rest is pure."""
