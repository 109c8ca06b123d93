"""The Python API, which `import audit` offers: the functions, the forms of their arguments and the results."""
