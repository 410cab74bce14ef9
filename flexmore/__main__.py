"""`python -m flexmore`: the command line, where no `flexmore` command is installed."""

from flexmore.cli.app import main

if __name__ == "__main__":
    main()
