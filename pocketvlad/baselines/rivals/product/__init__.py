"""Product quantization: blocks of weights are entries of a codebook, fitted to photographs.

After Stock et al., "And the bit goes down" (ICLR 2020), and Martinez et al., "Permute, quantize,
and fine-tune" (CVPR 2021). `docs/rivals.md` says what differs.
"""
