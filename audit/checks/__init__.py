"""The catalogue: the tree is the registry."""
