"""How fast and how large: floors that no measurement can beat, and measurements beside them."""
