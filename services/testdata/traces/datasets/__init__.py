"""Datasets: generated calls in files, written by jobs that go on where they were."""
