"""`python -m audit`, and the installed command."""

from audit.cli.app import main

if __name__ == "__main__":
    main()
