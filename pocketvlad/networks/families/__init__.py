"""Designs that several backbones share: each is declared once, the backbones give its figures."""
