"""Cases of FMATH.

A result that follows from mathematics or from C99's Annex F is expected exactly. Any other has a tolerance of two units
in the last place; its expected value is computed by mpmath with 600 bits (`pip install mpmath`). The version of a Rust
crate specifies these results to the bit, and other tests compare them with it.
"""

from fractions import Fraction

import mpmath

from .case import Bits, Case, MIN, Near, Random
from .floats import (
    GREATEST,
    LEAST,
    NORMAL,
    ONE,
    QUIET,
    QUIET_NEGATIVE,
    SIGNALLING_NEGATIVE,
    SUBNORMAL,
    negate,
    next_up,
    power,
)
from .ieee import INF, NEG_INF, NEG_ZERO, QNAN, ZERO, bits, bits_of_mpf, fmod, value
from . import shapes

mpmath.mp.prec = 600


def exact_power_of_two(x):
    return mpmath.power(2, x)


def cbrt(x):
    return mpmath.cbrt(x) if x >= 0 else -mpmath.cbrt(-x)


def pow_(x, y):
    """Returns x to the power of y, as a real number if y is an integer, also for a negative x."""
    return mpmath.power(x, int(y) if y == int(y) and abs(y) < 2**60 else y)


FUNCTIONS = {
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "asin": mpmath.asin, "acos": mpmath.acos,
    "atan": mpmath.atan,
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "exp": mpmath.exp, "exp2": exact_power_of_two,
    "expm1": mpmath.expm1, "ln": mpmath.log, "log2": lambda x: mpmath.log(x) / mpmath.log(2), "log10": mpmath.log10,
    "log1p": mpmath.log1p, "cbrt": cbrt, "pow": pow_, "atan2": mpmath.atan2, "hypot": mpmath.hypot,
}  # fmt: skip
TWO_ARGUMENTS = ("pow", "atan2", "hypot", "fmod")


def near(function, *args):
    """Returns the result of `function` for these binary64, rounded once."""
    numbers = [mpmath.mpf(value(b).numerator) / value(b).denominator for b in args]
    result = bits_of_mpf(FUNCTIONS[function](*numbers))
    # An infinite result is none that two units could be added to.
    return result if result in (INF, NEG_INF) else Near(result)


def between(random, low, high):
    """Returns a random number with all its digits, uniformly distributed between two fractions."""
    low, high = Fraction(low), Fraction(high)
    return bits(low + (high - low) * random.bits(60) / 2**60)


def positive(random, e=300):
    return Bits(1023 + random.between(-e, e) << 52 | random.bits(52))


def either(random, b):
    return Bits(b ^ random.bits(1) << 63)


def small(random):
    """Returns a random number of either sign, small enough for the implementations that use series."""
    return either(random, positive(random, 12) - (20 << 52))


def ranges(*pairs):
    """Returns a function that draws numbers from these ranges in turn."""

    def draw(random, i):
        return between(random, *pairs[i % len(pairs)])

    return draw


def anything(random, i):
    return either(random, positive(random, [3, 40, 1000][i % 3]))


ANGLES = ranges((-4, 4), (-3000, 3000), (-100, 100), (-Fraction(4, 5), Fraction(4, 5)))
HYPERBOLIC = ranges((-2, 2), (-20, 20), (-700, 700), (Fraction(-1, 4), Fraction(1, 4)))


def logarithm(random, i):
    """Returns a random positive number, of moderate or any size, or close to 1."""
    return positive(random, [1, 20, 1000][i % 3]) if i % 4 else between(random, Fraction(7, 8), Fraction(9, 8))


def logarithm_of_sum(random, i):
    """Returns a random number greater than -1."""
    return between(random, Fraction(-99, 100), 1) if i % 2 else positive(random, [2, 900][i % 4 // 2])


DRAW = {
    "sin": ANGLES, "cos": ANGLES, "tan": ANGLES,
    "asin": ranges((-1, 1), (Fraction(99, 100), 1)), "acos": ranges((-1, 1), (Fraction(99, 100), 1)), "atan": anything,
    "sinh": HYPERBOLIC, "cosh": HYPERBOLIC, "tanh": ranges((-2, 2), (-20, 20), (Fraction(-1, 4), Fraction(1, 4))),
    "exp": ranges((-2, 2), (-700, 700), (-745, -700)), "exp2": ranges((-2, 2), (-1020, 1020), (-1074, -1022)),
    "expm1": HYPERBOLIC, "ln": logarithm, "log2": logarithm, "log10": logarithm,
    "log1p": logarithm_of_sum, "cbrt": anything,
}  # fmt: skip
ODD = ("sin", "tan", "asin", "atan", "sinh", "tanh", "expm1", "log1p", "cbrt")  # f(±0) = ±0, and f(x) ≈ x
ZEROS = [(ZERO, ZERO), (NEG_ZERO, NEG_ZERO)]
TO_ONE = [(ZERO, ONE), (NEG_ZERO, ONE)]
NOWHERE = [(INF, QNAN), (NEG_INF, QNAN)]
LIMITS = [(INF, INF), (NEG_INF, NEG_INF)]
POSITIVE_ONLY = [
    (ZERO, NEG_INF),
    (NEG_ZERO, NEG_INF),
    (INF, INF),
    (NEG_INF, QNAN),
    (bits(-1), QNAN),
    (negate(LEAST), QNAN),
    (ONE, ZERO),
]
OUTSIDE = [(b, QNAN) for b in (bits(2), bits(-2), next_up(ONE), next_up(bits(-1)), INF, NEG_INF)]
OVERFLOW = [(bits(710), INF), (bits(1000), INF), (GREATEST, INF), (INF, INF)]
TO_ZERO = [(bits(-746), ZERO), (bits(-1000), ZERO), (negate(GREATEST), ZERO), (NEG_INF, ZERO)]
EXACT = {
    "sin": ZEROS + NOWHERE,
    "cos": TO_ONE + NOWHERE + [(LEAST, ONE)],
    "tan": ZEROS + NOWHERE,
    "asin": ZEROS + OUTSIDE,
    "acos": [(ONE, ZERO)] + OUTSIDE,
    "atan": ZEROS,
    "sinh": ZEROS + LIMITS + [(bits(s * 1000), INF if s > 0 else NEG_INF) for s in (1, -1)],
    "cosh": TO_ONE + [(INF, INF), (NEG_INF, INF), (bits(1000), INF), (bits(-1000), INF)],
    "tanh": ZEROS + [(bits(s * v), bits(s)) for v in (23, 100, 2**60) for s in (1, -1)]
    + [(INF, ONE), (NEG_INF, bits(-1))],
    "exp": TO_ONE + OVERFLOW + TO_ZERO,
    "exp2": TO_ONE + [(bits(n), power(n)) for n in (1, -1, 2, 10, 52, 53, 64, 1023, -1021, -1022, -1023, -1073, -1074)]
    + [(bits(1024), INF), (bits(-1076), ZERO), (bits(2000), INF), (bits(-2000), ZERO), (INF, INF), (NEG_INF, ZERO)],
    "expm1": ZEROS + OVERFLOW + [(bits(-100), bits(-1)), (bits(-1000), bits(-1)), (NEG_INF, bits(-1))],
    "ln": POSITIVE_ONLY,
    "log2": POSITIVE_ONLY + [(power(n), bits(n)) for n in (1, -1, 2, 3, 10, 64, 1023, -1021, -1022, -1023, -1074)],
    "log10": POSITIVE_ONLY + [(bits(10**n), bits(n)) for n in (1, 2, 3, 10, 22)],
    "log1p": ZEROS + [(bits(-1), NEG_INF), (INF, INF), (NEG_INF, QNAN), (bits(-2), QNAN), (next_up(bits(-1)), QNAN)],
    "cbrt": ZEROS + LIMITS
    + [(bits(n**3), bits(n)) for n in (1, -1, 2, -2, 3, -10, 12345, -131071, Fraction(1, 8), Fraction(-3, 2))]
    + [(power(-1074), power(-358)), (power(1023), power(341))],
}  # fmt: skip
MORE = {
    "sin": [bits(v) for v in (1, -1, 3, 22, 355, 1000, 3000, 10**6, 2**30)] + [power(200), GREATEST],
    "asin": [ONE, bits(-1), next_up(ONE, -1), bits(0.5), bits(-0.5)],
    "atan": [ONE, bits(-1), power(70), negate(power(70)), GREATEST],
    "sinh": [ONE, bits(710), bits(-710), bits(22), next_up(ONE)],
    "tanh": [ONE, bits(19), bits(22), bits(-21)],
    "exp": [ONE, bits(-1), bits(709), bits(-708), bits(-709), bits(-745), next_up(ZERO, 5), power(-60)],
    "exp2": [bits(0.5), bits(-0.5), bits(1023.5), bits(-1073.5), power(-60)],
    "expm1": [ONE, bits(-1), bits(709), bits(-30), bits(-50)],
    "ln": [bits(2), bits(10), next_up(ONE), next_up(ONE, -1), LEAST, SUBNORMAL, NORMAL, GREATEST, bits(0.5)],
    "log1p": [ONE, bits(-0.5), power(-60), GREATEST, next_up(bits(-1), -1)],
    "cbrt": [bits(2), bits(-2), bits(100), LEAST + 1, SUBNORMAL, GREATEST],
}
SAME_MORE = {"cos": "sin", "tan": "sin", "acos": "asin", "cosh": "sinh", "log2": "ln", "log10": "ln"}


def one_argument(function):
    random = Random(function + "-1")
    case = Case(f"fmath_{function}", f"FMATH {function}")
    exact = [(n, QNAN) for n in (QUIET, QUIET_NEGATIVE, SIGNALLING_NEGATIVE)] + EXACT[function]
    if function in ODD:
        # The next term of the series is too small to change the last place.
        exact += [(b, b) for b in (LEAST, negate(LEAST), SUBNORMAL) if function != "cbrt"]
    case.func("f", 1, 1, [shapes.line("FMATH " + function, "R0", "R0"), "RET"])
    case.section("exactly")
    for b, result in exact:
        case.call("f", [b], [result])
    case.section("to two units in the last place")
    inexact = [Bits(b) for b in MORE.get(SAME_MORE.get(function, function), [])]
    inexact += [Bits(DRAW[function](random, i)) for i in range(24)]
    if function in ODD or function == "cos":
        inexact += [small(random) for _ in range(4)]
    known = {int(b) for b, _ in exact}
    for b in dict.fromkeys(inexact):
        if b not in known:
            case.call("f", [b], [near(function, b)])
    return case


HALF_PI, PI = near("acos", ZERO), near("acos", bits(-1))
QUARTER, THREE_QUARTERS = near("atan", ONE), near("atan2", ONE, bits(-1))


def negate_near(b):
    return Near(b ^ MIN)


def pow_exact():
    """Generates powers with exact results: those of Annex F.9.4.4, and small integers."""
    two, half, three = bits(2), bits(0.5), bits(3)
    yield from ((b, z, ONE) for b in (ZERO, NEG_ZERO, ONE, bits(-7), INF, NEG_INF, QUIET) for z in (ZERO, NEG_ZERO))
    yield from ((ONE, c, ONE) for c in (two, bits(-2.5), INF, NEG_INF, QUIET, GREATEST))
    yield from ((ZERO, bits(-3), INF), (NEG_ZERO, bits(-3), NEG_INF), (ZERO, bits(-2), INF), (NEG_ZERO, bits(-2), INF))
    yield from (
        (NEG_ZERO, bits(-2.5), INF),
        (ZERO, NEG_INF, INF),
        (NEG_ZERO, NEG_INF, INF),
        (ZERO, INF, ZERO),
        (NEG_ZERO, INF, ZERO),
    )
    yield from ((ZERO, three, ZERO), (NEG_ZERO, three, NEG_ZERO), (NEG_ZERO, two, ZERO), (NEG_ZERO, bits(2.5), ZERO))
    yield from ((bits(-1), INF, ONE), (bits(-1), NEG_INF, ONE), (half, NEG_INF, INF), (bits(-0.5), NEG_INF, INF))
    yield from (
        (two, NEG_INF, ZERO),
        (bits(-2), NEG_INF, ZERO),
        (half, INF, ZERO),
        (bits(-0.5), INF, ZERO),
        (two, INF, INF),
        (bits(-2), INF, INF),
    )
    yield from (
        (NEG_INF, bits(-3), NEG_ZERO),
        (NEG_INF, bits(-2), ZERO),
        (NEG_INF, bits(-2.5), ZERO),
        (NEG_INF, three, NEG_INF),
    )
    yield from (
        (NEG_INF, two, INF),
        (NEG_INF, bits(2.5), INF),
        (INF, bits(-1), ZERO),
        (INF, ONE, INF),
        (INF, bits(-0.5), ZERO),
    )
    yield from (
        (bits(-2), half, QNAN),
        (bits(-1), bits(1.5), QNAN),
        (QUIET, ONE, QNAN),
        (two, QUIET_NEGATIVE, QNAN),
        (QUIET, QUIET, QNAN),
    )
    yield from ((ZERO, QUIET, QNAN), (bits(-8), bits(Fraction(1, 3)), QNAN))
    yield from (
        (two, bits(1024), INF),
        (bits(-2), bits(1025), NEG_INF),
        (two, bits(-1080), ZERO),
        (bits(-2), bits(-1081), NEG_ZERO),
    )
    yield from (
        (GREATEST, two, INF),
        (LEAST, two, ZERO),
        (power(-538), two, ZERO),
        (bits(-1), power(53), ONE),
        (bits(-1), bits(2**53 - 1), bits(-1)),
    )
    for b, n in (
        (2, 10),
        (2, 1023),
        (2, -1022),
        (2, -1074),
        (-2, 9),
        (-2, -3),
        (3, 4),
        (3, 33),
        (10, 15),
        (10, 22),
        (-10, 3),
        (7, 18),
        (-5, 22),
    ):
        yield bits(b), bits(n), bits(Fraction(b) ** n)
    yield from (
        (bits(1.5), two, bits(2.25)),
        (half, three, bits(0.125)),
        (bits(4), half, two),
        (bits(0.25), half, half),
        (bits(12345), ONE, bits(12345)),
    )


def atan2_exact():
    """Generates the arguments y and x of Annex F.9.1.4, with the results of atan2."""
    for y in (ZERO, NEG_ZERO):
        turn = negate_near if y == NEG_ZERO else Near
        yield from ((y, x, turn(PI)) for x in (NEG_ZERO, bits(-1), negate(LEAST), NEG_INF))
        yield from ((y, x, y) for x in (ZERO, ONE, LEAST, INF))
    for y in (ONE, bits(-1), LEAST, INF, NEG_INF):
        turn = negate_near if y >> 63 else Near
        yield from ((y, x, turn(HALF_PI)) for x in (ZERO, NEG_ZERO))
        if y in (INF, NEG_INF):
            yield from ((y, x, turn(HALF_PI)) for x in (ONE, bits(-5), GREATEST))
            yield from ((y, INF, turn(QUARTER)), (y, NEG_INF, turn(THREE_QUARTERS)))
        else:
            yield from ((y, NEG_INF, turn(PI)), (y, INF, Bits(y & MIN)))
    yield from ((ONE, ONE, QUARTER), (ONE, bits(-1), THREE_QUARTERS), (bits(-1), bits(-1), negate_near(THREE_QUARTERS)))
    yield from (
        (QUIET, ONE, QNAN),
        (ONE, QUIET_NEGATIVE, QNAN),
        (QUIET, INF, QNAN),
        (ZERO, QUIET, QNAN),
        (SIGNALLING_NEGATIVE, ONE, QNAN),
    )
    yield from ((LEAST, GREATEST, ZERO), (negate(LEAST), GREATEST, NEG_ZERO))


def hypot_exact():
    for a, b, c in (
        (3, 4, 5),
        (5, 12, 13),
        (8, 15, 17),
        (20, 21, 29),
        (0, 7, 7),
        (0, 0, 0),
        (1, 0, 1),
        (119, 120, 169),
    ):
        yield from ((bits(a), bits(b), bits(c)), (bits(-b), bits(a), bits(c)))
    for scale in (power(600), power(-600), power(1020), power(-1070)):
        n = value(scale)
        yield bits(3 * n), bits(-4 * n), bits(5 * n)
    yield from (
        (NEG_ZERO, NEG_ZERO, ZERO),
        (LEAST, ZERO, LEAST),
        (ZERO, negate(GREATEST), GREATEST),
        (GREATEST, GREATEST, INF),
    )
    yield from (
        (INF, ONE, INF),
        (ONE, NEG_INF, INF),
        (INF, QUIET, INF),
        (QUIET, NEG_INF, INF),
        (NEG_INF, INF, INF),
        (INF, ZERO, INF),
    )
    yield from (
        (QUIET, ONE, QNAN),
        (ONE, QUIET_NEGATIVE, QNAN),
        (QUIET, QUIET, QNAN),
        (GREATEST, ONE, GREATEST),
        (bits(1), power(-60), ONE),
    )


def fmod_exact(random):
    """Generates arguments of fmod; every result is exact."""
    numbers = [
        ZERO,
        NEG_ZERO,
        ONE,
        bits(-1),
        bits(5.5),
        LEAST,
        negate(SUBNORMAL),
        GREATEST,
        INF,
        NEG_INF,
        QUIET,
        bits(-2.25),
    ]
    pairs = [(b, c) for b in numbers for c in numbers]
    pairs += [(bits(b), bits(c)) for b in (10, -10) for c in (3, -3, 2.5, 10, 11)]
    pairs += [
        (GREATEST, bits(3)),
        (GREATEST, next_up(LEAST, 6)),
        (bits(10**300), bits(Fraction(37, 10))),
        (NORMAL, Bits(3)),
        (SIGNALLING_NEGATIVE, ONE),
    ]
    pairs += [(anything(random, i), anything(random, i // 3)) for i in range(24)]
    for b, c in dict.fromkeys(pairs):
        yield b, c, fmod(b, c)


def two_arguments(function):
    random = Random(function + "-2")
    case = Case(f"fmath_{function}", f"FMATH {function}")
    case.func("f", 2, 1, [shapes.line("FMATH " + function, "R0", "R0", "R1"), "RET"])
    exact, pairs = [], []
    if function == "pow":
        exact = pow_exact()
        pairs = [(between(random, 0, 100), between(random, -20, 20)) for _ in range(16)]
        pairs += [
            (between(random, Fraction(99, 100), Fraction(101, 100)), between(random, -3000, 3000)) for _ in range(6)
        ]
        pairs += [(between(random, -10, 0), bits(random.between(-40, 40))) for _ in range(8)]
        pairs += [(positive(random, 200), between(random, -5, 5)) for _ in range(6)]
        pairs += [
            (bits(10), bits(-5)),
            (bits(0.1), bits(3)),
            (bits(2), bits(0.5)),
            (GREATEST, bits(0.5)),
            (LEAST, bits(0.5)),
        ]
    elif function == "atan2":
        exact = atan2_exact()
        pairs = [(anything(random, i), anything(random, i // 3)) for i in range(12)]
        pairs += [(between(random, -9, 9), between(random, -9, 9)) for _ in range(16)]
    elif function == "hypot":
        exact = hypot_exact()
        pairs = [(between(random, -9, 9), between(random, -9, 9)) for _ in range(12)]
        for i in range(18):
            b = anything(random, i)
            pairs.append((b, either(random, Bits(max((b & MIN - 1) + (random.between(-9, 9) << 52), 1)))))
        pairs += [(ONE, ONE), (LEAST, LEAST), (SUBNORMAL, SUBNORMAL), (power(1023), power(1022)), (NORMAL, SUBNORMAL)]
    else:
        exact = fmod_exact(random)
    case.section("exactly, but for those that show how near")
    for b, c, result in dict.fromkeys(exact):
        case.call("f", [b, c], [result])
    if pairs:
        case.section("to two units in the last place")
        for b, c in dict.fromkeys(pairs):
            case.call("f", [b, c], [near(function, b, c)])
    return case


# An argument of each function whose result is exact; −0 and −0 where none is given.
ONE_EXACT = {
    "cos": (ZERO, ONE), "acos": (ONE, ZERO), "cosh": (ZERO, ONE), "exp": (ZERO, ONE), "exp2": (bits(3), bits(8)),
    "log2": (bits(8), bits(3)), "log10": (bits(100), bits(2)), "ln": (ONE, ZERO), "cbrt": (bits(-27), bits(-3)),
}  # fmt: skip
# Two different arguments and their result, then an argument that is both of them, and its result.
TWO_EXACT = {
    "pow": (bits(3), bits(2), bits(9), ONE, ONE),
    "atan2": (ZERO, ONE, ZERO, ZERO, ZERO),
    "hypot": (bits(3), bits(4), bits(5), ZERO, ZERO),
    "fmod": (bits(-7), bits(3), bits(-1), bits(5), ZERO),
}


def registers():
    """Returns the case of operands: every function with different registers and with the same register twice."""
    case = Case("fmath", "FMATH: the operands of every function; the files fmath_*.sil have the values")
    for function in FUNCTIONS:
        if function in TWO_ARGUMENTS:
            continue
        argument, result = ONE_EXACT.get(function, (NEG_ZERO, NEG_ZERO))
        f = lambda b: result if b == argument else QNAN
        shapes.one_source(case, "FMATH " + function, f, [argument, SIGNALLING_NEGATIVE], [argument], function + "_")
    for function, (b, c, result, both, result_of_both) in TWO_EXACT.items():
        table = {(b, c): result, (both, both): result_of_both}
        f = lambda b, c: table.get((b, c), QNAN)
        few = [(b, c), (SIGNALLING_NEGATIVE, c), (b, SIGNALLING_NEGATIVE)]
        case.section(function)
        shapes.two_sources(case, "FMATH " + function, f, few, few, function + "_", ones=[both, QUIET])
    return case


def cases():
    yield registers()
    for function in FUNCTIONS:
        yield two_arguments(function) if function in TWO_ARGUMENTS else one_argument(function)
    yield two_arguments("fmod")
