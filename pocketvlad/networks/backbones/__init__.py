"""Backbones, a file each, cut at their last convolution before its ReLU.

NetVLAD (Arandjelovic et al. 2016, section 5) describes images by the outputs of these convolutions.
"""
