"""What only the workflow needs: the config and its check, and what every script does."""
