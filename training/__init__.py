"""How one learns: data, losses, loops; weights and their training record come out."""
