"""How good generated records are: how much of what was asked they show, and how like sample rows they are."""
