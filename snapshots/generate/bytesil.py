"""Cases of ByteSil numbers: class Ax.

Sums, parts and nearest numbers are computed by mpmath with 600 bits.

`write_tables` writes all 65,536 sums and differences, for tests that try every pair.
"""

import mpmath

from .case import Bits, Case, Random
from .ieee import QNAN, bits_of_mpf
from . import shapes

mpmath.mp.prec = 600

NULL, ONE, LARGEST = 0x00, 0x80, 0xF0
# Closer to where the result changes than this is a tie.
TIE = mpmath.mpf(10) ** -60
# Dirt in the upper bits of a register, which nothing may depend on.
DIRT = 0x123456789ABCDE00


def polar(rho, theta):
    return (min(max(rho, -8), 7) + 8) << 4 | theta % 16


def rho(x):
    return (x >> 4) - 8


def theta(x):
    return x & 15


def exact(x):
    """Returns the complex number that a byte represents."""
    return mpmath.mpc(0) if x == NULL else mpmath.exp(rho(x)) * turned(theta(x))


def turned(sixteenths):
    angle = sixteenths * mpmath.pi / 8
    parts = [mpmath.cos(angle), mpmath.sin(angle)]
    return mpmath.mpc(*(mpmath.mpf(0) if abs(part) < TIE else part for part in parts))


def half_up(x):
    """Rounds x to an integer, a half upwards. Also returns the distance of x from the next half, 1 if it is one."""
    shifted = x + mpmath.mpf(1) / 2
    whole = mpmath.nint(shifted)
    if abs(shifted - whole) < TIE:
        return int(whole), mpmath.mpf(1)
    return int(mpmath.floor(shifted)), abs(shifted - whole)


class Nearest:
    """A function that returns the nearest ByteSil number, and records the closest decision between two."""

    def __init__(self):
        self.margin = mpmath.mpf(1)

    def __call__(self, z):
        size = abs(z)
        if size < TIE:
            return NULL
        log = mpmath.log(size)
        if abs(log + 8) > TIE:
            self.margin = min(self.margin, abs(log + 8))
            if log < -8:
                return NULL
        level, level_margin = half_up(log)
        turn, turn_margin = half_up(mpmath.arg(z) * 8 / mpmath.pi)
        self.margin = min(self.margin, level_margin, turn_margin)
        return polar(level, turn)


nearest = Nearest()


def add(b, c):
    return c if b == NULL else b if c == NULL else nearest(exact(b) + exact(c))


def sub(b, c):
    return b if c == NULL else nearest(exact(b) - exact(c))


def mul(b, c):
    return NULL if NULL in (b, c) else polar(rho(b) + rho(c), theta(b) + theta(c))


def div(b, c):
    if b == NULL:
        return NULL
    return polar(7, theta(b)) if c == NULL else polar(rho(b) - rho(c), theta(b) - theta(c))


def pow_(b, n):
    if b == NULL:
        return NULL if n > 0 else ONE if n == 0 else LARGEST
    return polar(rho(b) * n, theta(b) * n)


def truncated(x, n):
    return abs(x) // n * (-1 if x < 0 else 1)


def root(b, n):
    if n == 0:
        return ONE
    return NULL if b == NULL else polar(truncated(rho(b), n), truncated(theta(b), n))


def inv(b):
    return LARGEST if b == NULL else polar(-rho(b), -theta(b))


def conj(b):
    return polar(rho(b), -theta(b))


def scale(b, n):
    return b if b == NULL else polar(rho(b) + n, theta(b))


def rotate(b, n):
    return b if b == NULL else polar(rho(b), theta(b) + n)


def part(x):
    """Returns the binary64 nearest to a real number."""
    return Bits(bits_of_mpf(x))


def low(f):
    return lambda *args: f(*(arg & 0xFF for arg in args))


BINARY = {
    "COMPLEX_ADD": (add, "the number nearest the exact sum; NULL is neutral"),
    "COMPLEX_SUB": (sub, "the number nearest the exact difference"),
    "COMPLEX_MUL": (mul, "NULL if either is; ρ is kept in its range"),
    "COMPLEX_DIV": (div, "NULL by anything is NULL, anything by NULL the largest number of its direction"),
}
UNARY = {
    "COMPLEX_INV": (inv, "NULL becomes the largest number"),
    "COMPLEX_CONJ": (conj, "the direction is reversed"),
    "COMPLEX_MAG": (lambda b: b & 0xF0, "the direction is lost"),
    "COMPLEX_PHASE": (lambda b: ONE if b == NULL else 0x80 | theta(b), "the magnitude is lost; that of NULL is 1"),
}
IMMEDIATE = {
    "COMPLEX_POW": (pow_, range(-2048, 2048), "ρ and θ times the exponent"),
    "COMPLEX_ROOT": (root, range(4096), "ρ and θ divided, towards zero"),
    "COMPLEX_SCALE": (scale, range(-2048, 2048), "ρ moves and is kept in its range; NULL stays"),
    "COMPLEX_ROTATE": (rotate, range(-2048, 2048), "θ moves; NULL stays"),
}
PARTS = {
    "COMPLEX_RE": (lambda b: part(exact(b).real), "the binary64 nearest the real part; +0 on the imaginary axis"),
    "COMPLEX_IM": (lambda b: part(exact(b).imag), "the binary64 nearest the imaginary part; +0 on the real axis"),
}


def pairs():
    random = Random("bytesil")
    edges = [NULL, 0x01, 0x08, 0x0F, 0x10, 0x18, ONE, 0x84, 0x88, 0x8C, 0xF0, 0xF8, 0xFF]
    some = [(b, c) for b in edges for c in edges]
    # Numbers of the same ρ and of neighbours, in all directions.
    some += [(0x50, 0x50 | k) for k in range(16)] + [(0x60, 0x50 | k) for k in range(16)]
    some += [(0x03, k) for k in range(16)] + [(0xF3, 0xF0 | k) for k in range(16)]
    some += [(random.below(256), random.below(256)) for _ in range(200)]
    return [(b | DIRT, c) if index % 3 else (b, c | DIRT) for index, (b, c) in enumerate(some)]


def immediate_case(name, f, range_, title):
    """Returns the case of an instruction with an immediate: a function for each of some immediates."""
    case = Case(name, f"{name}: {title}")
    some = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 255, 2047, range_[0], range_[-1], *(-n for n in (1, 2, 7, 8, 16) if range_[0] < 0)]
    for index, n in enumerate(dict.fromkeys(some)):
        case.func(f"f{index}", 1, 1, [f"{name} R7, R0, {n}", "MOV R0, R7", "RET"])
        for b in [NULL, 0x01, 0x08, 0x17, 0x7F, ONE, 0x81, 0x88, 0x8F, 0x93, 0xF0, 0xFF]:
            case.expect(f"f{index}", [b | DIRT], lambda b: [f(b & 0xFF, n)])
    return case


def from_case():
    """Returns the case of COMPLEX_FROM: all numbers from their parts, and points next to limits between numbers."""
    case = Case("COMPLEX_FROM", "COMPLEX_FROM: the number nearest a point of the plane")
    case.func("f", 2, 1, ["COMPLEX_FROM R7, R0, R1", "MOV R0, R7", "RET"])
    case.section("FROM(RE x, IM x) is x, for every x")
    for x in range(256):
        case.call("f", [part(exact(x).real), part(exact(x).imag)], [x])
    case.section("beside the limits between magnitudes, by one part in 10¹²")
    near = mpmath.mpf(10) ** -12
    for j in range(-7, 8):
        for side in (-1, 1):
            z = mpmath.exp(j - mpmath.mpf(1) / 2 + side * near) * turned(3)
            case.call("f", [part(z.real), part(z.imag)], [nearest(z)])
    for side in (-1, 1):
        z = mpmath.exp(-8 + side * near) * turned(5)
        case.call("f", [part(z.real), part(z.imag)], [nearest(z)])
    case.section("beside the limits between directions")
    for k in range(16):
        for side in (-1, 1):
            z = mpmath.exp(2) * turned(k + mpmath.mpf(1) / 2 + side * near)
            case.call("f", [part(z.real), part(z.imag)], [nearest(z)])
    case.section("too large, too small, infinite, not a number")
    infinite, largest, least = Bits(0x7FF0000000000000), Bits(0x7FEFFFFFFFFFFFFF), Bits(1)
    zero, minus = Bits(0), 1 << 63
    for re, im, x in [
        (largest, zero, 0xF0), (largest, largest, 0xF2), (Bits(largest | minus), zero, 0xF8), (infinite, zero, 0xF0),
        (zero, Bits(infinite | minus), 0xFC), (infinite, infinite, 0xF2), (least, zero, NULL), (zero, zero, NULL),
        (Bits(minus), Bits(minus), NULL), (Bits(QNAN), zero, NULL), (zero, Bits(QNAN), NULL), (infinite, Bits(QNAN), NULL),
        (part(mpmath.mpf(-1)), Bits(minus), 0x88),
    ]:  # fmt: skip
        case.call("f", [re, im], [x])
    return case


def lerp(b, c, weight):
    if weight in (0, 4095):
        return c if weight else b
    return nearest(exact(b) + (exact(c) - exact(b)) * weight / 4095)


def lerp_case():
    case = Case("COMPLEX_LERP", "COMPLEX_LERP: a part of the way between two numbers")
    random = Random("lerp")
    some = [(NULL, ONE), (ONE, NULL), (ONE, 0x88), (ONE, 0x84), (0x08, 0x00), (0xF0, 0x01), (0x33, 0x33)]
    some += [(random.below(256), random.below(256)) for _ in range(12)]
    for index, weight in enumerate([0, 1, 2, 100, 1000, 2047, 2048, 3000, 4094, 4095]):
        case.func(f"f{index}", 2, 1, [f"COMPLEX_LERP R7, R0, R1, {weight}", "MOV R0, R7", "RET"])
        for b, c in some:
            margin, nearest.margin = nearest.margin, mpmath.mpf(1)
            result = lerp(b, c, weight)
            clear = nearest.margin > mpmath.mpf(10) ** -9
            nearest.margin = margin
            # What rounding could change is left to the specification of each step.
            if clear:
                case.call(f"f{index}", [b | DIRT, c | DIRT], [result])
    return case


def cases():
    for name, (f, title) in BINARY.items():
        case = Case(name, f"{name}: {title}")
        all_pairs = pairs()
        shapes.two_sources(case, name, low(f), all_pairs, all_pairs[3:40:4])
        yield case
    for name, (f, title) in {**UNARY, **PARTS}.items():
        case = Case(name, f"{name}: {title}")
        shapes.one_source(case, name, low(f), [b | DIRT for b in range(256)], [b | DIRT for b in range(0, 256, 37)])
        yield case
    for name, (f, range_, title) in IMMEDIATE.items():
        yield immediate_case(name, f, range_, title)
    yield from_case()
    yield lerp_case()


def write_tables(folder):
    """Writes the sums and the differences of all pairs: that of b and c is byte 256 b + c.

    Returns the margin of the closest decision."""
    folder.mkdir(parents=True, exist_ok=True)
    nearest.margin = mpmath.mpf(1)
    for name in ("COMPLEX_ADD", "COMPLEX_SUB"):
        f = BINARY[name][0]
        table = bytes(f(b, c) for b in range(256) for c in range(256))
        (folder / f"{name.lower()}.bin").write_bytes(table)
    return nearest.margin
