"""Weights learnt from a city: clusters and PCA, triplets, distillation, checkpoints."""
