"""`python -m durameter`: the command line."""

from durameter.cli.main import main

main()
