"""Other ways to make a model file small, measured beside ours: `coders`, and what runs them."""
