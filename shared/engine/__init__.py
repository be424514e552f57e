"""Runs jobs: `local` in this process. A job is only a kind and a resource name; the stored state is the truth."""
