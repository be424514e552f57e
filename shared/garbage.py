"""How seldom the processes of Greenroom look for garbage."""

THRESHOLDS = (10_000, 20, 50)
"""For `gc.set_threshold`. By default the interpreter collects after every 700 new objects, and each collection visits
the hundreds of conversations, or the thousands of values of a file, that are under way."""
