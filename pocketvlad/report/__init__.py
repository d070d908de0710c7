"""From scores to what a reader sees: tables, figures, model cards, the answer."""
