"""What optuna-dashboard shows of a study: a note in words, and the figures of this package.

`attach` writes both to the study, for any optuna-dashboard. The command `optuna-kappa dashboard`
writes nothing: it shows them beside what the storage holds, and keeps them up to date.

- `note` and `drawing` make what is shown; `content` is both, of one study.
- `attributes` knows the study attributes in which optuna-dashboard keeps notes and figures.
- `showing`, `watching` and `serving` are behind the command: a storage that shows more than it
  holds, the thread that keeps this up to date, and the server.
"""

from optuna_kappa.dashboard.attaching import attach

__all__ = ["attach"]
