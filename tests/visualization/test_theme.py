from __future__ import annotations

import subprocess
import sys

import pytest

from optuna_kappa.visualization import theme


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.5"),
        (24, "24"),
        (999.9, "1k"),
        (1000, "1k"),
        (22_500, "22.5k"),
        (360_000, "360k"),
        (999_999, "1M"),
        (1_234_567, "1.23M"),
        (1e11, "100B"),
        (2.5e12, "2.5T"),
        (1e16, "1e+16"),
        (0, "0"),
    ],
)
def test_abbreviate(value: float, text: str) -> None:
    assert theme.abbreviate(value) == text


@pytest.mark.parametrize(
    ("lr", "text"),
    [(2.64e-4, "2.6e-4"), (1e-5, "1e-5"), (0.0118, "0.012"), (0.1, "0.1"), (20, "20")],
)
def test_lr_text(lr: float, text: str) -> None:
    assert theme.lr_text(lr) == text


def test_escape_leaves_no_markup_and_no_unknown_entity() -> None:
    text = theme.escape("""</b><b>x & "y" 'z'""")
    assert text == """&lt;/b&gt;&lt;b&gt;x &amp; "y" 'z'"""


def test_known_samplers_keep_their_colours() -> None:
    colours = theme.sampler_colors(["mine", "TPE", "KappaSampler", "other", "random", "gp"])
    assert colours["TPE"] == theme.SAMPLERS["tpe"]
    assert colours["KappaSampler"] == theme.SAMPLERS["kappa"]
    assert colours["mine"] == theme.OTHERS[0]
    assert len(set(colours.values())) == 6


def test_unknown_samplers_are_cycled() -> None:
    names = [str(i) for i in range(2 * len(theme.OTHERS))]
    assert list(theme.sampler_colors(names).values()) == [*theme.OTHERS, *theme.OTHERS]


def test_shades_end_with_the_darkest() -> None:
    assert theme.shades(0) == []
    assert theme.shades(1) == theme.shades(5)[-1:] == ["rgb(68, 1, 84)"]
    assert len(set(theme.shades(8))) == 8


def test_faint() -> None:
    assert theme.faint("#0072B2", 0.5) == "rgba(0, 114, 178, 0.5)"


def test_log_axis_holds_all_values_with_room() -> None:
    axis = theme.log_axis("lr", [1e-4, 1e-2])
    assert axis["range"] == pytest.approx([-4.12, -1.88])
    assert axis["type"] == "log"
    assert axis["nticks"] == 4


def test_log_axis_spans_a_decade_at_least() -> None:
    assert theme.log_axis("lr", [1e-3])["range"] == pytest.approx([-3.56, -2.44])
    assert "nticks" not in theme.log_axis("loss", [2.0, 2.1], span=1e-6)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([1e-4, 1e-2], {"tickformat": "~e"}),
        ([1e-2, 1.0], {"tickformat": "~g"}),
        ([1.0, 24.0], {"tickformat": "~g"}),
        ([1e3, 1e6], {"tickformat": "~s"}),
        ([1e9, 1e11], {"exponentformat": "B"}),
    ],
)
def test_log_axis_ticks(values: list[float], ticks: dict[str, str]) -> None:
    axis = theme.log_axis("", values)
    found = {name: axis[name] for name in ("tickformat", "exponentformat") if name in axis}
    assert found == ticks


def test_loss_axis() -> None:
    assert theme.loss_axis("loss", -1.0, 1.0, log=False)["range"] == pytest.approx([-1.12, 1.12])
    assert theme.loss_axis("loss", 1.0, 1.0, log=False)["range"] == [0.0, 2.0]
    assert theme.loss_axis("loss", 0.1, 1.0, log=True)["type"] == "log"


def test_titles_are_escaped_and_wrapped() -> None:
    figure = theme.figure("a <b>", "word " * 40)
    assert figure.layout.title.text.startswith("a &lt;b&gt;<br>")
    assert figure.layout.title.text.count("<br>") == 3


def test_note_stands_where_the_data_would() -> None:
    figure = theme.figure("title", note="nothing <yet>")
    assert figure.layout.annotations[0].text == "nothing &lt;yet&gt;"
    assert figure.layout.xaxis.visible is False


def test_package_does_not_import_plotly() -> None:
    code = "import sys, optuna_kappa, optuna_kappa.report; sys.exit('plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
