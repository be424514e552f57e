"""Tests that call vendors' own servers and cost money: `make live`. They need keys, and never run in `make test`."""
