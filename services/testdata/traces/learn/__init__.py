"""Learn trace workflows from logs: collect and count calls, test the order, export."""
