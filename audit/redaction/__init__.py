"""The scanner for personal data: a normalised copy of a text, a finder for each kind of entity, and the words around a match."""
