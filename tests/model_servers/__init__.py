"""Real model servers and the small models that they run for tests. `.ci/run` installs what is needed."""
