"""How good is a model? Figures asked of capabilities, never of a model's name."""
