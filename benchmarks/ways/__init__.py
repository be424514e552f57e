"""Different ways of doing the same work, ours and other tools', one file per tool; `benchmarks.contestant` runs them.

Each function takes a mapping and returns the work: a function that takes a batch number, does that batch and returns
the number of units done. The file of another tool imports only that tool and its dependencies.
"""
