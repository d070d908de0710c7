"""The networks: backbone, pooling and projection; where their weights come from; models on disk."""
