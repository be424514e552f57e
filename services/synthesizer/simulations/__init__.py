"""Simulations of campaigns: conversations whose agent is a campaign, and their interactions."""
