"""From archives or a folder to an indexed city: images, their sizes, queries and their lists.

It hands out `Dataset`, `Preprocessing`, `Sizing` and the functions that decode an image.
"""
