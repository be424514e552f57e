"""What speaks to the outside: folders and buckets."""
