"""Long work: a stored resource that is started, runs, is watched, and can be cancelled, retried and deleted.

A noun gives a `Kind` (its table and errors), a `step(turn)` for `WorkJobs`, and its messages for `WorkCalls`.
"""
