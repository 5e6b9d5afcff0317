"""`python -m cli` is the same as `workflow`."""

from cli import main

main()
