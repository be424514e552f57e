"""Campaigns of messages: what replies ask, and how texts are sent."""
