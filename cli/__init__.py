"""The `greenroom` command: a client of the gateway, and `greenroom up`, which starts everything."""
