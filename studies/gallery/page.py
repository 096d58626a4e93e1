"""The page of the gallery, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from studies.gallery.entries import Entry

PICTURES = "gallery"
"""Folder of the pictures, beside the page."""

_HEAD = """\
# Gallery

Every figure of `optuna_kappa.visualization`, with the code that draws it. A figure takes a study
and returns a Plotly figure: `figure.show()` opens it, `figure.write_html("figure.html")` keeps it.
Of a study that was loaded without its sampler, give the sampler as well:
`plot_law(study, KappaSampler(horizon=24))`. Otherwise the plans of its trials tell what they can,
and the prior is the default one.

`figures_of(study)` gives all figures that apply to a study, with ids that stay the same. Figures
have a white background and can be read on any page; `on_dark(figure)` is the one for dark pages.

The studies shown search the learning rate of Adam on MNIST. Their trials replay recorded runs, so
`make gallery` makes this page in a minute or two.
"""
_ENTRY = """
## {title}

{text}

```python
{code}
```

<picture>
<source media="(prefers-color-scheme: dark)" srcset="{folder}/{id}-dark.png">
<img src="{folder}/{id}.png" alt="{title}" width="720">
</picture>
"""


def gallery_page(entries: Sequence[Entry]) -> str:
    """The page that shows some entries.

    Args:
        entries: What it shows, in order.

    Example:
        >>> entry = Entry("law", "The law", "How the optimum moves.", "plot_law(study)")
        >>> "gallery/law-dark.png" in gallery_page([entry])
        True
    """
    parts = [_HEAD]
    for entry in entries:
        parts.append(
            _ENTRY.format(
                title=entry.title,
                text=_wrapped(entry.text),
                code=entry.code,
                id=entry.id,
                folder=PICTURES,
            )
        )
    return "".join(parts)


def _wrapped(text: str) -> str:
    """The text in lines that editors show whole; code in it is not broken."""
    lines = [""]
    in_code = False
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}".strip()
        if len(joined) > 99 and not in_code:
            lines.append(word)
        else:
            lines[-1] = joined
        in_code ^= word.count("`") % 2 == 1
    return "\n".join(lines)
