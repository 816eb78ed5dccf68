"""`python -m c2b.cli`: the command line where no script is installed."""

from c2b.cli import main

main()
