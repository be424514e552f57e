"""Datasets: generated calls in files, written by jobs that continue after a crash."""
