#!/usr/bin/env python3
"""Writes tests/vectors/binary64.txt: results of Berkeley SoftFloat 3e for edge and random operands.

It needs softfloatpy (`pip install softfloatpy`), which wraps that library.
"""

import random
from pathlib import Path

import softfloatpy as sf

OUT = Path(__file__).parent.parent / "tests" / "vectors" / "binary64.txt"

EDGES = [
    0, 1, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x3CA0000000000000, 0x3CB0000000000000, 0x3FE0000000000000,
    0x3FEFFFFFFFFFFFFF, 0x3FF0000000000000, 0x3FF0000000000001, 0x3FF8000000000000, 0x4004000000000000,
    0x4340000000000000, 0x43DFFFFFFFFFFFFF, 0x43E0000000000000, 0x43F0000000000000, 0x47EFFFFFE0000000,
    0x47EFFFFFF0000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF0000000000001, 0x7FF8000000000000,
]
SIGN = 1 << 63


def number(rng):
    """Returns a random binary64 that is likely to need rounding, by its exponent and its runs of equal digits."""
    exponent = rng.choice([0, 1, 2046, rng.randrange(2047), rng.randrange(1023 - 60, 1023 + 60)])
    ones = (1 << rng.randrange(53)) - 1
    fraction = rng.choice([ones, ones << (52 - ones.bit_length()), 1 << rng.randrange(52), rng.getrandbits(52)])
    return rng.getrandbits(1) << 63 | exponent << 52 | fraction ^ rng.choice([0, 1, rng.getrandbits(52)])


def f64(bits):
    return sf.Float64.from_bytes(bits.to_bytes(8, "big"))


def bits(value):
    return f"{int.from_bytes(value.to_bytes(), 'big'):x}"


def integer(value, convert, low, high):
    """Converts to an integer. Returns `-` where IEEE 754 leaves the result open."""
    try:
        exact = int(value.to_float())
    except (ValueError, OverflowError):
        return "-"
    return bits(convert(value, sf.RoundingMode.MIN_MAG)) if low <= exact <= high else "-"


def binary(b, c):
    x, y = f64(b), f64(c)
    results = [sf.f64_add(x, y), sf.f64_sub(x, y), sf.f64_mul(x, y), sf.f64_div(x, y)]
    truths = [sf.f64_eq(x, y), sf.f64_lt(x, y), sf.f64_le(x, y)]
    return " ".join(["2", f"{b:x}", f"{c:x}", *map(bits, results), *(str(int(it)) for it in truths)])


def unary(b):
    x = f64(b)
    modes = [sf.RoundingMode.MIN, sf.RoundingMode.MAX, sf.RoundingMode.MIN_MAG, sf.RoundingMode.NEAR_EVEN]
    results = [bits(sf.f64_sqrt(x)), *(bits(sf.f64_round_to_int(x, mode)) for mode in modes)]
    results.append(bits(sf.f64_to_f32(x)))
    results.append(bits(sf.f32_to_f64(sf.Float32.from_bytes((b >> 32).to_bytes(4, "big")))))
    raw = b.to_bytes(8, "big")
    results += [bits(sf.i64_to_f64(sf.Int64.from_bytes(raw))), bits(sf.ui64_to_f64(sf.UInt64.from_bytes(raw)))]
    results.append(integer(x, sf.f64_to_i64, -(1 << 63), (1 << 63) - 1))
    results.append(integer(x, sf.f64_to_ui64, 0, (1 << 64) - 1))
    return " ".join(["1", f"{b:x}", *results])


def main():
    rng = random.Random(754)
    signed = EDGES + [edge | SIGN for edge in EDGES]
    pairs = [(b, c) for b in EDGES for c in signed]
    for _ in range(500):
        b = number(rng)
        near = b ^ rng.getrandbits(1) << 63 ^ rng.randrange(16)
        pairs.append((b, rng.choice([number(rng), near])))
    numbers = signed + [number(rng) for _ in range(400)]
    lines = [
        "# Made by generate/softfloat.py with Berkeley SoftFloat 3e. Hexadecimal bits; any NaN stands for NaN.",
        "# 2 b c: b + c, b - c, b * c, b / c; b = c, b < c, b <= c",
        "# 1 b: root; floor, ceiling, truncated, nearest integer; b as binary32; the binary32 in the high half of b; the",
        "# signed and the unsigned integer b as binary64; b truncated to a signed and to an unsigned integer",
        *(binary(b, c) for b, c in pairs),
        *(unary(b) for b in numbers),
    ]
    OUT.write_text("\n".join(lines) + "\n", encoding="ascii")
    print(f"{len(pairs)} pairs, {len(numbers)} numbers")


if __name__ == "__main__":
    main()
