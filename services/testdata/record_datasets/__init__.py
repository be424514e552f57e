"""Record datasets: generated records in files, written by jobs that continue after a crash."""
