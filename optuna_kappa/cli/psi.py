"""`optuna-kappa psi`: the learning rate as a function of the loss and of the remaining data."""

from __future__ import annotations

import argparse
from typing import Any

from optuna_kappa._files import write_file
from optuna_kappa.cli.arguments import HORIZON_UNIT, add_figure, parse_horizon
from optuna_kappa.cli.loss_curves import Fitted, add_curves, fit_curves
from optuna_kappa.cli.output import print_json, print_notes, print_text
from optuna_kappa.psi import Psi

SUMMARY = "the best rate by loss and progress"
USAGE = """optuna-kappa psi RUNS [--horizon D] [options]
       optuna-kappa psi --storage URL [--horizon D] [options]"""
DESCRIPTION = """\
Fit what runs lose along their schedules, and search the rates that end
lowest: by the loss and the data that remain, and as a schedule (the open
loop). RUNS is a run table, or loss curves (columns run, step, rate, loss).
"""
EXAMPLES = """\
examples:
  optuna-kappa psi runs.csv --horizon 64 --save psi.json --figure psi.html
"""

_SHOWN = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95)  # parts of the run that the table shows


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of `psi`."""
    add_curves(command)
    command.add_argument(
        "--horizon",
        type=parse_horizon,
        metavar="D",
        help=f"horizon of the planned run, {HORIZON_UNIT.partition(' (')[0]} (default: that of "
        "the longest run)",
    )
    command.add_argument(
        "--warmup",
        type=float,
        default=0.0,
        metavar="DATA",
        help="data over which the rate of the planned run rises from 0 (default: 0)",
    )
    command.add_argument("--save", metavar="FILE", help="save Psi, for Psi.from_json")
    command.set_defaults(saved="Psi")  # what --save writes; without this, it is a law
    add_figure(command)


def run(options: argparse.Namespace) -> None:
    """Print the closed form and the open loop, and save or draw Psi if asked to.

    Raises:
        ValueError: The runs cannot be read or do not determine the law, or a file cannot be
            written.
    """
    fitted = fit_curves(options)
    psi = Psi.from_law(fitted.law, options.horizon or fitted.horizon, options.warmup)
    if psi.horizon > fitted.horizon:
        print_notes(
            [
                f"no run is longer than {fitted.horizon:g}: beyond that, the law is not known to "
                "hold, least where runs repeat their data."
            ]
        )
    if options.save:
        write_file(options.save, (psi.to_json() + "\n").encode(), "Psi")
    if options.figure:
        _write_page(options.figure, psi, fitted)

    if options.json:
        print_json(_as_dict(psi, fitted))
    else:
        print_text(_text(psi, fitted))


def _write_page(path: str, psi: Psi, fitted: Fitted) -> None:
    # Plotly takes a while to import, and most calls ask for no figure.
    from optuna_kappa.report import Section, page, write
    from optuna_kappa.visualization import plot_psi

    section = Section("All runs", [str(psi.formula)], [plot_psi(psi, fitted.curves)])
    write(path, page("The learning rate by loss and progress", sections=[section]))


def _rows(psi: Psi) -> list[dict[str, float]]:
    schedule, peak = psi.open_loop(), psi.peak_lr()
    rows = []
    for part in _SHOWN:
        low, high = psi.seen(part)
        expected = psi.expected_loss(part)
        rows.append(
            {
                "progress": part,
                "lr": peak * schedule(part),
                "loss": expected,
                "lr_if_ahead": psi(low, part),
                "lr_if_behind": psi(high, part),
            }
        )
    return rows


def _as_dict(psi: Psi, fitted: Fitted) -> dict[str, Any]:
    formula = psi.formula
    return {
        "horizon": psi.horizon,
        "peak_lr": psi.peak_lr(),
        "loss": psi.expected_loss(1.0),
        "scatter": fitted.law.scatter,
        "formula": {
            "text": str(formula),
            "a": formula.a,
            "b": formula.b,
            "c": formula.c,
            "lowest": formula.lowest,
            "r2": formula.determination,
        },
        "open_loop": _rows(psi),
    }


def _text(psi: Psi, fitted: Fitted) -> str:
    lines = [
        f"Psi for a horizon of {psi.horizon:g}, from {len(fitted.curves)} loss curves",
        "",
        f"  {psi.formula}",
        "  r: part of the run that remains; R2: what this explains of the table",
        "",
        f"  {'done':>6} {'lr':>10} {'loss':>10} {'lr if ahead':>13} {'lr if behind':>13}",
    ]
    for row in _rows(psi):
        lines.append(
            f"  {row['progress']:>6.0%} {row['lr']:>10.3g} {row['loss']:>10.4g} "
            f"{row['lr_if_ahead']:>13.3g} {row['lr_if_behind']:>13.3g}"
        )
    lines += [
        "",
        f"  peak lr {psi.peak_lr():.3g}, expected loss at the end {psi.expected_loss(1.0):.4g}",
    ]
    return "\n".join(lines)
