"""The gallery of figures: `python -m studies.gallery` writes docs/gallery.md and its pictures."""
