"""IEEE 754 by its definition: exact fractions, rounded once, without the floating-point unit of this computer.

Numbers are bit patterns. A pattern decodes to "nan", "inf" (of either sign) or a Fraction; the sign of a zero is
read from the pattern.
"""

from fractions import Fraction
from math import isqrt

from .case import Bits, M64, MAX, MIN, s64

QNAN = Bits(0x7FF8000000000000)
QNAN32 = 0x7FC00000
SIGN = MIN
INF = Bits(0x7FF0000000000000)
NEG_INF = Bits(0xFFF0000000000000)
ZERO = Bits(0)
NEG_ZERO = Bits(SIGN)


class Format:
    """A binary format: width and precision in bits."""

    def __init__(self, width, precision):
        self.width = width
        self.precision = precision
        self.bias = (1 << width - precision - 1) - 1
        self.least = 2 - self.bias - precision  # the exponent of the smallest subnormal
        self.infinity = ((1 << width - precision) - 1) << precision - 1

    def encode(self, value, negative=False):
        """Returns the pattern nearest to the fraction `value`, ties to even. `negative` is the sign of a zero."""
        if value:
            negative = value < 0
        sign = negative << self.width - 1
        value = abs(value)
        if value == 0:
            return sign
        # floor(log2(value)), then the exponent of the last place.
        exponent = value.numerator.bit_length() - value.denominator.bit_length()
        if value < Fraction(2) ** exponent:
            exponent -= 1
        last = max(exponent - self.precision + 1, self.least)
        digits = round(value / Fraction(2) ** last)  # round() of a Fraction is exact: ties to even
        # The leading digit of a normal number adds one to the exponent field, and so does a carry out of the digits.
        bits = (last - self.least << self.precision - 1) + digits
        return sign | min(bits, self.infinity)

    def decode(self, bits):
        """Returns the value of a pattern: a Fraction, "nan", or "inf" (of either sign)."""
        magnitude = bits & (1 << self.width - 1) - 1
        if magnitude > self.infinity:
            return "nan"
        if magnitude == self.infinity:
            return "inf"
        field = magnitude >> self.precision - 1
        digits = magnitude & (1 << self.precision - 1) - 1
        if field:
            digits |= 1 << self.precision - 1
        value = digits * Fraction(2) ** (self.least + max(field - 1, 0))
        return -value if bits >> self.width - 1 else value


BINARY64 = Format(64, 53)
BINARY32 = Format(32, 24)


def bits(value, negative=False):
    """Returns the binary64 nearest to a number."""
    return Bits(BINARY64.encode(Fraction(value), negative))


def bits_of_mpf(x):
    """Returns the binary64 nearest to a number of mpmath, rounded once."""
    sign, digits, exponent, _ = x._mpf_
    return bits((-1) ** sign * int(digits) * Fraction(2) ** int(exponent))


def value(b):
    return BINARY64.decode(b)


def is_nan(*patterns):
    return any(value(b) == "nan" for b in patterns)


def is_inf(b):
    return value(b) == "inf"


def is_zero(b):
    return b & MAX == 0


def negative(b):
    return b >> 63 == 1


def with_sign(b, sign):
    return Bits(b & MAX | (SIGN if sign else 0))


def narrow(b):
    """Converts a binary64 to a binary32."""
    v = value(b)
    if v == "nan":
        return QNAN32
    if v == "inf":
        return BINARY32.infinity | negative(b) << 31
    return BINARY32.encode(v, negative(b))


def widen(b):
    """Converts a binary32 to a binary64."""
    v = BINARY32.decode(b)
    if v == "nan":
        return QNAN
    if v == "inf":
        return with_sign(INF, b >> 31)
    return bits(v, b >> 31)


def fadd(b, c):
    if is_nan(b, c):
        return QNAN
    if is_inf(b) or is_inf(c):
        if is_inf(b) and is_inf(c) and negative(b) != negative(c):
            return QNAN
        return Bits(b if is_inf(b) else c)
    # A sum that is zero is negative only if both operands are.
    return bits(value(b) + value(c), negative(b) and negative(c))


def fsub(b, c):
    return fadd(b, c ^ SIGN)


def fmul(b, c):
    sign = negative(b) != negative(c)
    if is_nan(b, c) or is_inf(b) and is_zero(c) or is_zero(b) and is_inf(c):
        return QNAN
    if is_inf(b) or is_inf(c):
        return with_sign(INF, sign)
    return bits(value(b) * value(c), sign)


def fdiv(b, c):
    sign = negative(b) != negative(c)
    if is_nan(b, c) or is_inf(b) and is_inf(c) or is_zero(b) and is_zero(c):
        return QNAN
    if is_inf(b) or is_zero(c):
        return with_sign(INF, sign)
    if is_inf(c):
        return with_sign(ZERO, sign)
    return bits(value(b) / value(c), sign)


def fsqrt(b):
    if is_nan(b) or negative(b) and not is_zero(b):
        return QNAN
    if is_zero(b) or is_inf(b):
        return Bits(b)
    # All binary64 are integers at the scale 2^1074; 2^1200 leaves at least 60 digits before the root's point.
    square = value(b) * 4**1200
    root = isqrt(square.numerator)
    assert square.denominator == 1 and root.bit_length() > 60
    # A root that is not exact lies between two integers, and every place where rounding changes is an integer.
    exact = Fraction(root) if root * root == square else root + Fraction(1, 2)
    return bits(exact / 2**1200)


def fneg(b):
    return QNAN if is_nan(b) else Bits(b ^ SIGN)


def fabs(b):
    return QNAN if is_nan(b) else with_sign(b, False)


def fcopysign(b, c):
    return QNAN if is_nan(b) else with_sign(b, negative(c) and not is_nan(c))


def order(b):
    """Returns a sorting key of a number that is not a NaN; −0 comes before +0."""
    return -(b & MAX) - 1 if negative(b) else b


def fmin(b, c):
    return QNAN if is_nan(b, c) else Bits(min(b, c, key=order))


def fmax(b, c):
    return QNAN if is_nan(b, c) else Bits(max(b, c, key=order))


def to_integer(rounding):
    """Returns the meaning of an instruction that rounds to an integer; a zero has the sign of the operand."""

    def run(b):
        if is_nan(b):
            return QNAN
        return Bits(b) if is_inf(b) else bits(rounding(value(b)), negative(b))

    return run


def floor(v):
    return v.numerator // v.denominator


def truncate(v):
    return floor(v) if v >= 0 else -floor(-v)


ffloor = to_integer(floor)
fceil = to_integer(lambda v: -floor(-v))
ftrunc = to_integer(truncate)
fnearest = to_integer(round)  # of a Fraction: exact, ties to even


def fround32(b):
    return widen(narrow(b))


def compare(test):
    """Returns the meaning of a comparison, which is 0 for a NaN; −0 and +0 are equal."""

    def run(b, c):
        if is_nan(b, c):
            return 0
        if is_inf(b) or is_inf(c):
            rank = lambda x: (-1 if negative(x) else 1) if is_inf(x) else 0
            return int(test(rank(b), rank(c)))
        return int(test(value(b), value(c)))

    return run


feq = compare(lambda b, c: b == c)
flt = compare(lambda b, c: b < c)
fle = compare(lambda b, c: b <= c)


def fne(b, c):
    return 1 - feq(b, c)


def i2fs(b):
    return widen(BINARY32.encode(Fraction(s64(b))))


def u2fs(b):
    return widen(BINARY32.encode(Fraction(b)))


def f32widen(b):
    return widen(b & 0xFFFFFFFF)


def i2f(b):
    return bits(s64(b))


def u2f(b):
    return bits(b)


def saturating(least, greatest):
    def run(b):
        if is_nan(b):
            return 0
        if is_inf(b):
            return (least if negative(b) else greatest) & M64
        return min(max(truncate(value(b)), least), greatest) & M64

    return run


f2i = saturating(-(1 << 63), MAX)
f2u = saturating(0, M64)


def fmod(b, c):
    """Returns b − n·c with n truncated. The result is always exact, and has the sign of b."""
    if is_nan(b, c) or is_inf(b) or is_zero(c):
        return QNAN
    if is_inf(c):
        return Bits(b)
    x, y = value(b), value(c)
    return bits(x - truncate(x / y) * y, negative(b))
