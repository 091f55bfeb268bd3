"""Compiled loops, blocks of rows, broadcasting, vector maths and least squares: no finance in here."""
