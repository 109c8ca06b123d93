"""Identity terms in texts: which there are, and a text rewritten so that it names another identity."""
