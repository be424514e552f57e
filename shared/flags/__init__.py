"""Feature flags: which features are on, for a company, in this server's environment."""
