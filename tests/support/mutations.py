"""Mutations of valid input files from a seed: flipped bytes, cut ends, nasty values, doubled lines, other units."""

from __future__ import annotations

import random
import re

NASTY = (
    b"1e999",
    b"-1e999",
    b"NaN",
    b"Infinity",
    b"1_000",
    "\uff11\uff10\uff10".encode(),
    b"true",
    b"null",
    b'""',
    b"[]",
    b"{}",
    b"9" * 10_000,
    b"0x" + b"f" * 10_000,
    b"-0",
    b"1e-999",
    b'"9999-12-31T23:59:59-12:00"',
    b"9999-12-31T23:59:59-12:00",
    b'"0001-01-01T00:00:00+14:00"',
    b"0001-01-01",
    b"1722502805",
    b"1722502805000000000",
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"[" * 3_000,
    b"a.b.c=1",
    b'"\\ud800"',
    b"0,5",
    b";",
    b"\r",
    b"\xe2\x80\xa8",
    b"1979-05-27T07:32:00",
    b"--",
    b"1e308",
    b'"ETH_USDC-27DEC24-3000-C"',
    b'"ETH-30AUG24-99999999999999999999-C"',
    b"5e-324",
    b'"\\u0000"',
)
_VALUE = re.compile(rb'"[^"\n]*"|[-+]?\d[\w.:+-]*|[A-Za-z_]+')


def mutated(valid: bytes, draw: random.Random) -> bytes:
    """Return a file with one to three mutations."""
    for _ in range(draw.randint(1, 3)):
        valid = draw.choice(_MUTATIONS)(valid, draw)
    return valid


def _flip(valid: bytes, draw: random.Random) -> bytes:
    if not valid:
        return b"\x00"
    at = draw.randrange(len(valid))
    return valid[:at] + bytes([valid[at] ^ (1 << draw.randrange(8))]) + valid[at + 1 :]


def _cut(valid: bytes, draw: random.Random) -> bytes:
    return valid[: draw.randrange(len(valid) + 1)]


def _replace(valid: bytes, draw: random.Random) -> bytes:
    found = list(_VALUE.finditer(valid[:200_000]))
    if not found:
        return draw.choice(NASTY)
    value = draw.choice(found)
    return valid[: value.start()] + draw.choice(NASTY) + valid[value.end() :]


def _double_line(valid: bytes, draw: random.Random) -> bytes:
    lines = valid.split(b"\n")
    lines.insert(draw.randrange(len(lines) + 1), draw.choice(lines))
    return b"\n".join(lines)


def _other_unit(valid: bytes, draw: random.Random) -> bytes:
    found = list(re.finditer(rb"\d+", valid[:200_000]))
    if not found:
        return valid
    number = draw.choice(found)
    return valid[: number.end()] + draw.choice((b"000", b"000000")) + valid[number.end() :]


_MUTATIONS = (_flip, _cut, _replace, _replace, _double_line, _other_unit)
