"""The results table as readers see it: one layout, written as Markdown, TeX and HTML."""
