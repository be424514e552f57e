"""What speaks to the outside: other services' protocols, agent targets, file formats."""
