"""Coverage-guided fuzzing: whether any bytes at all break what reads foreign input.

Each target is a function of bytes that raises if a law of the code under it doesn't
hold. ``python -m fuzz`` looks for such bytes with atheris, and ``python -m fuzz TARGET
--input FILE`` tries the bytes of a file, for which no atheris is needed.
"""
