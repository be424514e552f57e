"""Streams: sessions of calls, generated while they are read."""
