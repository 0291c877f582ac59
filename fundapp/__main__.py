"""`python -m fundapp`: the command line."""

from fundapp.cli import cli

if __name__ == "__main__":
    cli(prog_name="fundapp")
