"""Cases of binary64 instructions: classes 8x and 9x without FMATH."""

from fractions import Fraction

from .case import Bits, Case, M64, MAX, MIN, Random
from .ieee import INF, NEG_INF, NEG_ZERO, QNAN, ZERO, bits
from . import ieee, shapes

# NaNs: quiet and signalling, of both signs, with payloads.
QUIET = Bits(0x7FF8DEADBEEF0001)
QUIET_NEGATIVE = Bits(0xFFF8000000000000)
SIGNALLING = Bits(0x7FF0000000000001)
SIGNALLING_NEGATIVE = Bits(0xFFF4000012345678)
NANS = [QNAN, QUIET, QUIET_NEGATIVE, SIGNALLING, SIGNALLING_NEGATIVE, Bits(MAX), Bits(M64)]

LEAST = Bits(1)  # the smallest subnormal
SUBNORMAL = Bits(0x000FFFFFFFFFFFFF)  # the largest subnormal
NORMAL = Bits(0x0010000000000000)  # the smallest normal number
GREATEST = Bits(0x7FEFFFFFFFFFFFFF)  # the largest finite number
ONE = bits(1)


def negate(b):
    return Bits(b ^ MIN)


def next_up(b, n=1):
    """Returns the n-th bit pattern after b, whose magnitude is larger if n is positive."""
    return Bits(b + n)


SPECIAL = [
    ZERO, NEG_ZERO, ONE, negate(ONE), INF, NEG_INF, QUIET, SIGNALLING_NEGATIVE, LEAST, negate(SUBNORMAL), NORMAL,
    GREATEST, negate(GREATEST),
]  # fmt: skip
# Numbers around which rounding to an integer changes.
HALVES = [Fraction(n, 2) for n in (1, 2, 3, 4, 5, 6, 7)]
INTEGRAL = [bits(v) for v in HALVES + [-v for v in HALVES]]
INTEGRAL += [next_up(bits(v), n) for v in (0.5, 1, 1.5, -0.5, -1, -1.5, 2.5) for n in (-1, 1)]
INTEGRAL += [
    bits(s * (2**e + Fraction(d)))
    for s in (1, -1)
    for e in (51, 52, 53)
    for d in ("-3/2", "-1", "-1/2", "0", "1/2", "1", "2")
]


def random_float(random):
    """Returns a random finite number: any bits, of moderate size, a small integer, or a subnormal one."""
    kind = random.below(4)
    if kind == 0:
        b = Bits(random.bits())
        return b if ieee.value(b) not in ("nan", "inf") else Bits(b ^ 1 << 62)
    if kind == 1:
        return Bits(random.bits(1) << 63 | 1023 + random.between(-8, 8) << 52 | random.bits(52))
    if kind == 2:
        return bits(Fraction(random.between(-999, 999), 8))
    return Bits(random.bits(1) << 63 | random.bits(random.between(1, 53)))


def close_to(random, b):
    """Returns a random number with nearly the exponent of b, so that digits cancel."""
    field = min(max((b >> 52 & 0x7FF) + random.between(-2, 2), 0), 0x7FE)
    return Bits(random.bits(1) << 63 | field << 52 | random.bits(52))


def random_pairs(random, n):
    pairs = []
    for i in range(n):
        b = random_float(random)
        pairs.append((b, close_to(random, b) if i % 2 else random_float(random)))
    return pairs


def power(n):
    return bits(Fraction(2) ** n)


# Sums and products that lie half-way between two numbers, just beside that, or at the end of the range.
SUMS = [
    (ONE, power(-53)), (next_up(ONE), power(-53)), (ONE, next_up(power(-53))), (ONE, next_up(power(-53), -1)),
    (ONE, negate(power(-54))), (ONE, negate(next_up(power(-54)))), (next_up(ONE, -1), power(-53)),
    (next_up(ONE, -1), power(-54)), (power(53), ONE), (next_up(power(53)), ONE), (power(53), bits(Fraction(3, 2))),
    (GREATEST, power(970)), (GREATEST, next_up(power(970), -1)), (GREATEST, power(969)), (GREATEST, GREATEST),
    (SUBNORMAL, LEAST), (NORMAL, negate(LEAST)), (LEAST, LEAST), (NORMAL, NORMAL), (LEAST, negate(LEAST)),
    (GREATEST, LEAST), (ONE, LEAST), (bits(Fraction(1, 10)), bits(Fraction(2, 10))), (next_up(ONE), negate(ONE)),
]  # fmt: skip
PRODUCTS = [
    (bits(2**26 + 1), bits(2**27 + 1)), (bits(2**26 + 1), bits(2**27 + 3)), (bits(2**26 - 1), bits(2**27 + 1)),
    (bits(3), next_up(ONE)), (bits(3), next_up(ONE, 2)), (bits(5), next_up(ONE)), (next_up(ONE), next_up(ONE)),
    (next_up(ONE, -1), next_up(ONE, -1)), (next_up(ONE, -1), next_up(ONE)), (LEAST, bits(0.5)), (Bits(3), bits(0.5)),
    (Bits(5), bits(0.5)), (LEAST, next_up(bits(0.5))), (LEAST, next_up(bits(0.5), -1)), (SUBNORMAL, bits(2)),
    (NORMAL, bits(0.5)), (NORMAL, next_up(ONE, -1)), (next_up(NORMAL), next_up(ONE, -1)), (LEAST, LEAST),
    (LEAST, bits(-0.5)), (power(512), power(512)), (power(511), power(512)), (power(-537), power(-537)),
    (power(-537), power(-538)), (power(-538), power(-538)), (GREATEST, next_up(ONE)),
    (power(-1022), next_up(bits(0.75))),
    (Bits(0x001FFFFFFFFFFFFF), bits(0.5)), (next_up(GREATEST, -1), next_up(ONE)), (GREATEST, LEAST),
]  # fmt: skip
QUOTIENTS = [
    (ONE, bits(3)), (bits(2), bits(3)), (ONE, bits(10)), (LEAST, bits(2)), (Bits(3), bits(2)), (Bits(5), bits(2)),
    (LEAST, next_up(bits(2))), (LEAST, next_up(bits(2), -1)), (NORMAL, bits(2)), (SUBNORMAL, bits(0.5)),
    (GREATEST, bits(0.5)), (GREATEST, next_up(ONE, -1)), (GREATEST, next_up(ONE)), (ONE, GREATEST), (ONE, LEAST),
    (ONE, NORMAL), (NORMAL, GREATEST), (GREATEST, NORMAL), (LEAST, LEAST), (next_up(ONE), next_up(ONE, -1)),
    (ONE, next_up(ONE, -1)), (ONE, next_up(ONE)), (bits(-7), bits(2)), (bits(6), bits(-3)),
    (Bits(0x001FFFFFFFFFFFFF), bits(2)),
    (next_up(NORMAL), next_up(ONE)), (LEAST, bits(-2)),
]  # fmt: skip
EQUAL = [
    (bits(1.5), bits(1.5)), (bits(-1.5), bits(1.5)), (bits(1.5), next_up(bits(1.5))), (bits(-1.5), next_up(bits(-1.5))),
    (LEAST, SUBNORMAL), (SUBNORMAL, NORMAL), (negate(LEAST), negate(SUBNORMAL)), (LEAST, negate(LEAST)),
    (next_up(GREATEST, -1), GREATEST), (INF, INF), (bits(2), bits(3)), (bits(-2), bits(-3)),
]  # fmt: skip
FEW = [(bits(1.5), bits(-2.25)), (bits(-0.1), ONE), (NEG_ZERO, ZERO), (SIGNALLING, bits(2)), (QUIET_NEGATIVE, NEG_INF)]
NANS_AND_ONE = [(b, c) for n in NANS for b, c in ((n, ONE), (negate(ONE), n))]

# Numbers half-way between two binary32, beside that, and at both ends of binary32's range.
ULP32 = Fraction(1, 2**23)
LEAST32 = Fraction(1, 2**149)
GREATEST32 = (2 - ULP32) * 2**127
NARROWING = [
    bits(s * v)
    for v in (
        1 + ULP32 / 2, 1 + 3 * ULP32 / 2, 1 + ULP32, 1 - ULP32 / 4, 1 - 3 * ULP32 / 4, Fraction(1, 10),
        Fraction(2**24 + 1),
        GREATEST32, GREATEST32 + 2**102, GREATEST32 + 2**103, GREATEST32 + 2**104, Fraction(2) ** 128,
        LEAST32, LEAST32 / 2, LEAST32 * 3 / 2, LEAST32 * 5 / 2, LEAST32 / 4, LEAST32 * 3 / 4,
        LEAST32 * (2**23 - 1), LEAST32 * 2**23, LEAST32 * (2**23 - Fraction(1, 2)), LEAST32 * (2**23 - Fraction(3, 2)),
    )
    for s in (1, -1)
]  # fmt: skip
NARROWING += [
    next_up(bits(v), n)
    for v in (1 + ULP32 / 2, 1 + 3 * ULP32 / 2, GREATEST32 + 2**103, LEAST32 / 2, LEAST32 * 3 / 2)
    for n in (-1, 1)
]


def random_narrowing(random):
    """Returns a random number near or in the range of binary32."""
    return Bits(random.bits(1) << 63 | 1023 + random.between(-152, 129) << 52 | random.bits(52))


# Integers that are half-way between two binary64, or beside that.
WIDE = [0, 1, M64, 2, 10, MIN, MAX, MIN + 1, 2**52, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3, 2**54 + 1]
WIDE += [2**54 + 2, 2**54 + 3, 2**54 + 6, -(2**53) - 1 & M64, -(2**53) - 3 & M64, -(2**54) - 2 & M64, 2**32 - 1, 2**31]
WIDE += [MIN + d & M64 for d in (511, 512, 513, 1023, 1024, 1025, 1535, 1536, 1537, 2047, 2048, 3072, 3073)]
WIDE += [MIN - d for d in (255, 256, 257, 511, 512, 513, 767, 768, 769, 1023, 1024, 1025)]
WIDE += [2**64 - d for d in (2, 255, 512, 1023, 1024, 1025, 2047, 2048, 2049, 3071, 3072, 3073)]
WIDE += [2**62 + d for d in (255, 256, 257, 768)]
# Numbers at the ends of the ranges that conversions to integers saturate at.
SATURATING = [
    next_up(bits(v), n)
    for v in (2**63, -(2**63), 2**64, -(2**64), 2**53, 2**62, 2**31, -(2**31), 2**32, 10**18, 10**19, 10**20, -(10**19))
    for n in (-1, 0, 1)
]


# Integers that are half-way between two binary32, or beside that; and those that two roundings would round wrongly.
WIDE32 = [0, 1, M64, MIN, MAX, 2**24 - 1, 2**24, 2**24 + 1, 2**24 + 2, 2**24 + 3, 2**25 + 1, 2**25 + 2, 2**25 + 3]
WIDE32 += [-(2**24) - 1 & M64, -(2**24) - 3 & M64, -(2**25) - 2 & M64, 2**32 - 1, 2**31, 2**53 + 1]
WIDE32 += [2**e + 2 ** (e - 24) + d for e in (24, 32, 54, 55, 60, 61, 62) for d in (-1, 0, 1)]
WIDE32 += [-(2**e + 2 ** (e - 24) + d) & M64 for e in (32, 54, 55, 60, 61, 62) for d in (-1, 0, 1)]
WIDE32 += [2**e + 3 * 2 ** (e - 24) + d for e in (32, 54, 55, 60, 61, 62, 63) for d in (-1, 0, 1)]
WIDE32 += [MIN + 2**39 + d for d in (-1, 0, 1)] + [MAX - 2**38 + d for d in (-1, 0, 1, 2)]
WIDE32 += [M64 - 2**39 + d for d in (-1, 0, 1, 2)] + [M64 - 2**40 + d for d in (0, 1, 2)]
# Numbers of binary32, as binary64: at the ends of its range, and around one.
NUMBERS32 = [
    bits(s * v)
    for v in (
        1, 1 + ULP32, 1 + 2 * ULP32, 1 - ULP32 / 2, 2 - ULP32, 3, Fraction(2**24 - 1), LEAST32, 3 * LEAST32,
        LEAST32 * (2**23 - 1), LEAST32 * 2**23, GREATEST32, GREATEST32 / 2, Fraction(2) ** 127, Fraction(2) ** -75,
        Fraction(2) ** -74 * (1 + ULP32), Fraction(2) ** 64, Fraction(2) ** -126,
    )
    for s in (1, -1)
]  # fmt: skip
# Pairs whose binary64 result is half-way between two binary32, but whose exact one is not: FROUND32 of the binary64
# result is what counts.
HALF_SUMS = [(bits(1 + ULP32 / 2), power(-60)), (bits(1 + ULP32 / 2), negate(power(-60))), (power(24), ONE)]
HALF_SUMS += [(bits(1 + ULP32 / 2), power(-52)), (bits(GREATEST32), power(103)), (bits(GREATEST32), power(102))]


def random_32(random):
    """Returns a random binary32 as a binary64."""
    return Bits(ieee.widen(random.bits(32) & 0xFF7FFFFF | random.bits(1) << 22))


def two_sources(op, f, title, pairs, few=FEW, randoms=32, decides=False):
    random = Random(op)
    case = Case(op, title)
    case.section("special values, and pairs from a fixed seed")
    pairs = list(dict.fromkeys(pairs + NANS_AND_ONE + random_pairs(random, randoms)))
    shapes.two_sources(case, op, f, pairs, few)
    if decides:
        case.section("a branch that tests the result")
        shapes.decides(case, op, f, few + [(ONE, bits(2)), (bits(2), ONE), (ONE, ONE), (ONE, QUIET), (QUIET, QUIET)])
    return case


def one_source(op, f, title, values, few, draw=random_float, randoms=40):
    random = Random(op)
    case = Case(op, title)
    values = list(dict.fromkeys(values + [draw(random) for _ in range(randoms)]))
    shapes.one_source(case, op, f, values, few)
    return case


def roots():
    """Returns squares, their neighbours, and numbers whose root is close to the middle between two numbers."""
    values = [bits(v) for v in (2, 3, 4, 9, 0.25, 0.5, 0.1, 10**16, 10**17, -1, -4)]
    squares = [1, 3, 2**26 + 1, 94906265, 2**26 - 1]
    values += [next_up(bits(v * v), n) for v in squares for n in (-1, 0, 1)]
    values += [power(n) for n in (-1074, -1073, -1022, -1021, 1022, 1023)]
    values += [
        Bits(2),
        Bits(3),
        next_up(ONE, 2),
        next_up(ONE, 3),
        next_up(ONE, -2),
        next_up(ONE, -3),
        next_up(power(2), -1),
    ]
    return values + [next_up(NORMAL, n) for n in (-2, 1, 2)]


def cases():
    cross = [(b, c) for b in SPECIAL for c in SPECIAL]
    for op, f, more in (
        ("FADD", ieee.fadd, SUMS),
        ("FSUB", ieee.fsub, [(b, negate(c)) for b, c in SUMS]),
        ("FMUL", ieee.fmul, PRODUCTS),
        ("FDIV", ieee.fdiv, QUOTIENTS),
    ):
        turned = [(negate(c), b) for b, c in more[:8]]
        yield two_sources(
            op,
            f,
            f"{op}: special values, results half-way between two numbers, both ends of the range",
            cross + more + turned,
            randoms=24,
        )
    for op, f in (("FMIN", ieee.fmin), ("FMAX", ieee.fmax)):
        yield two_sources(op, f, f"{op}: NaN if either is, and -0 < +0 in both orders", cross + EQUAL)
    yield two_sources("FCOPYSIGN", ieee.fcopysign, "FCOPYSIGN: a NaN counts as positive", cross + EQUAL)
    for op, f in (("FEQ", ieee.feq), ("FNE", ieee.fne), ("FLT", ieee.flt), ("FLE", ieee.fle)):
        yield two_sources(op, f, f"{op}: signed zeros, infinities, NaN", cross + EQUAL, randoms=16, decides=True)

    special = SPECIAL + NANS + [SUBNORMAL, negate(LEAST), negate(NORMAL)]
    few = [bits(2.25), NEG_ZERO, NEG_INF, QUIET, SIGNALLING_NEGATIVE]
    positive = lambda random: Bits(random_float(random) & MAX)
    yield one_source("FSQRT", ieee.fsqrt, "FSQRT, rounded correctly", special + roots(), few, positive)
    yield one_source("FNEG", ieee.fneg, "FNEG, of which every NaN is the canonical one", special, few)
    yield one_source("FABS", ieee.fabs, "FABS, of which every NaN is the canonical one", special, few)
    few[0] = bits(-2.5)
    around = [next_up(bits(v), n) for v in (2**52, 2**53, 2**63) for n in (-1, 1)]
    near = lambda random: Bits(random.bits(1) << 63 | 1023 + random.between(-3, 54) << 52 | random.bits(52))
    for op, f in (("FFLOOR", ieee.ffloor), ("FCEIL", ieee.fceil), ("FTRUNC", ieee.ftrunc), ("FNEAREST", ieee.fnearest)):
        yield one_source(
            op, f, f"{op}: halves, 2^52 and 2^53, and the sign of a zero result", special + INTEGRAL + around, few, near
        )
    title = "FROUND32: half-way cases, subnormal and largest binary32"
    yield one_source("FROUND32", ieee.fround32, title, special + NARROWING, few, random_narrowing)

    wide = lambda random: random.wide() if random.bits(1) else random.bits(random.between(53, 64))
    integers = [7, M64, 2**53 + 1, MIN]
    yield one_source("I2F", ieee.i2f, "I2F: ties to even", WIDE, integers, wide)
    yield one_source("U2F", ieee.u2f, "U2F: ties to even", WIDE, integers, wide)
    wide32 = lambda random: random.wide() if random.bits(1) else random.bits(random.between(24, 64))
    yield one_source("I2FS", ieee.i2fs, "I2FS: rounded once, ties to even", WIDE32 + WIDE, integers, wide32)
    yield one_source("U2FS", ieee.u2fs, "U2FS: rounded once, ties to even", WIDE32 + WIDE, integers, wide32)
    patterns = [0, 1, 2**23 - 1, 2**23, 2**23 + 1, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FBFFFFF]
    patterns += [0x7FC00000, 0x7FFFFFFF, 0x33000000, 0x00400000]
    patterns += [p | 2**31 for p in patterns]
    patterns += [p | high << 32 for p in patterns[:12] for high in (0xFFFFFFFF, 0x7FF80000, 1)]
    any_bits = lambda random: random.bits()
    title = "F32WIDEN: the low half, whatever the high one is; of which every NaN is the canonical one"
    few32 = [0x40100000, 0x80000000, 0xFF800000, 0x7FC12345, M64]
    yield one_source("F32WIDEN", ieee.f32widen, title, patterns, few32, any_bits)
    title = "F32NARROW: half-way cases, subnormal and largest binary32, one NaN"
    yield one_source("F32NARROW", ieee.narrow, title, special + NARROWING, few, random_narrowing)
    cross32 = [(b, c) for b in NUMBERS32[:12] + SPECIAL[:6] for c in NUMBERS32[::3] + SPECIAL[:6:2]]
    random = Random("FADDS")
    pairs32 = [(random_32(random), random_32(random)) for _ in range(40)]
    pairs32 += [(b, close_to(random, b)) for b, _ in pairs32]
    halves = [(b, c) for b in NARROWING[::3] for c in (ZERO, ONE, negate(ONE))]
    for op, f, more in (
        ("FADDS", ieee.fadd, HALF_SUMS + SUMS[:12] + halves),
        ("FSUBS", ieee.fsub, [(b, negate(c)) for b, c in HALF_SUMS + SUMS[:12]] + halves),
        ("FMULS", ieee.fmul, PRODUCTS[:12] + halves),
        ("FDIVS", ieee.fdiv, QUOTIENTS[:12] + halves),
    ):
        single = lambda b, c, f=f: ieee.fround32(f(b, c))
        title = f"{op}: {op[:-1]}, then rounded to binary32"
        yield two_sources(op, single, title, cross32 + pairs32 + more, randoms=16)
    large = lambda random: Bits(random.bits(1) << 63 | 1023 + random.between(-2, 66) << 52 | random.bits(52))
    for op, f in (("F2I", ieee.f2i), ("F2U", ieee.f2u)):
        yield one_source(op, f, f"{op} truncates and saturates", special + INTEGRAL + SATURATING, few, large)
