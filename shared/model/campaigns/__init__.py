"""Campaigns: message workflows, how they are read, written and evaluated, and how their texts are sent."""
