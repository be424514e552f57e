"""Reports: a verdict about one side or two, with its evidence."""
