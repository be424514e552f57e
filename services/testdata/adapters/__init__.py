"""The outside world: folders and buckets."""
