"""In words: how probable each class of slopes is, after the runs."""

from __future__ import annotations

from optuna_kappa._validation import one_line
from optuna_kappa.law.law import Law

_LEAST = 0.005  # a class below it would be shown as 0 %


def shares_text(law: Law) -> str:
    """The posterior probabilities of the classes of slopes, and the name of the prior.

    Args:
        law: A law; without optima, the prior alone is named.

    Example:
        >>> from optuna_kappa import fit
        >>> from optuna_kappa.runs import example_runs
        >>> shares_text(fit(example_runs(slope=0.0), prior="copy"))
        'your runs: 100 % flat (prior: copy)'
    """
    name = f"prior: {one_line(law.prior.name)}"
    shares = shares_of(law)
    if shares is None:
        return name

    ranked = sorted(shares.items(), key=lambda item: -item[1])
    shown = []
    for label, share in ranked:
        if share >= _LEAST:
            shown.append(f"{100 * share:.0f} % {one_line(label)}")

    return f"your runs: {', '.join(shown)} ({name})"


def source_text(law: Law) -> str:
    """The name of the prior of a law, and where its numbers come from.

    Example:
        >>> source_text(Law(()))
        "Prior: mixture. Source: the paper's slope, published ones and no movement, weighted ..."
    """
    return one_line(f"Prior: {law.prior.name}. Source: {law.prior.source}.")


def shares_of(law: Law) -> dict[str, float] | None:
    """Posterior probability of each class of slopes by its name; None without optima.

    Example:
        >>> shares_of(Law(())) is None
        True
    """
    # A law without optima of its own may predict from related ones.
    if not law.optima and not law.related:
        return None
    return {name: float(share) for name, share in law.classes.items()}
