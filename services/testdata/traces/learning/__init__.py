"""Learning trace workflows from logs: readers, counting, tests, exports, and the learnings that are kept."""
