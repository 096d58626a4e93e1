"""The paper's claims, checked against the recorded runs: one subject a file.

    item             what a checked claim is
    rates            best rates, their kappa, and the rates that kappa predicts
    first_optima     figures 1 to 4
    inverse_law      figures 5 and 6
    equal_total      figure 7
    initial_rate     figures 8 and 9
    expected_rate    figures 10 to 13
    doubling         tables 1 and 2
    kappa_and_slope  two numbers of the text: kappa at 13 epochs, and the slope
    theorem          theorem 5.1: one kappa for all schedules
    catalog          all of them, in the order of the page

The function `items` of a file checks its claims.
"""

from studies.paper.claims.catalog import figures_and_tables, text_claims
from studies.paper.claims.item import Item, table_lines

__all__ = ["Item", "figures_and_tables", "table_lines", "text_claims"]
