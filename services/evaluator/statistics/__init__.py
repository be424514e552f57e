"""The statistics of reports: intervals, tests and sample sizes, one file a formula. A pure library."""
