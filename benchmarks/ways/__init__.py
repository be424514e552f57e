"""Ways of doing one thing, ours and others', one file a tool; `benchmarks.contestant` runs them.

Each function prepares itself from a mapping and returns the work: a function of a batch's number that does the batch
and says how many units it was. Files of peers import nothing but the peer and what comes with it.
"""
