"""`python -m audit`, and the installed command."""

from audit.cli import main

if __name__ == "__main__":
    main()
