"""Sources: real, finished conversations that synthetic ones start from."""
