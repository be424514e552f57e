"""Campaigns: message workflows, in revisions."""
