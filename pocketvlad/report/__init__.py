"""From scores to tables, figures, model cards and the answer."""
