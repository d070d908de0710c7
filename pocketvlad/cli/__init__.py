"""The command `pocketvlad`: `main`, and in `verbs` a module a verb.

`main` checks what a verb is to write, runs it, and turns errors of the input into one line.
"""
