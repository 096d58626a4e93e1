"""The command line `optuna-kappa`: one command a file.

A command is a module with these names:

    SUMMARY         one line for `optuna-kappa --help`
    USAGE           how to call it
    DESCRIPTION     what it does, wrapped by hand
    EXAMPLES        lines to copy, with the table that `optuna-kappa --help` says how to make
    add_arguments   adds its options to a parser
    run             does the work, from the parsed options to what is printed
    HAS_RESULTS     False if it prints nothing that JSON or CSV could hold (default: True)
"""

from optuna_kappa.cli.main import main

__all__ = ["main"]
