"""Optimal Brain Surgeon (Hassibi & Stork, NIPS 1992), spelt out."""

import numpy as np


def surgeon(weight, moments, step):
    """A column at a time: round it, then move all later ones to where they cost least."""
    weight, moments = weight.numpy().copy(), moments.numpy()
    multiples = np.zeros_like(weight)
    inputs = weight.shape[1]
    for column in range(inputs):
        inverse = np.linalg.inv(moments[column:, column:])
        scaled = weight[:, column] / step
        multiples[:, column] = np.floor(scaled + 0.5)
        error = weight[:, column] - multiples[:, column] * step
        weight[:, column + 1 :] -= np.outer(error / inverse[0, 0], inverse[0, 1:])
    return multiples
