"""Inputs that were once read wrongly without a word, made anew here, each with what is right."""
