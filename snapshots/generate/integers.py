"""Cases of integer instructions: classes 4x to 7x, and Dx without its branches."""

from .case import Case, M32, M64, MAX, MIN, Random, Trap, s32, s64
from . import shapes

EDGES = [0, 1, M64, MIN, MAX, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1]
# Low halves that matter to 32-bit instructions, with different high halves.
EDGES32 = [
    0, 1, 0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x80000001, M64, 0xFFFFFFFF80000000, 0x12345678FFFFFFFF,
    0x1234567800000000, 0xFFFFFFFF00000001, 0x800000007FFFFFFF,
]  # fmt: skip
COUNTS = [0, 1, 31, 32, 33, 63, 64, 65, M64, 127, 2**32, MIN + 5]
SHIFTED = [0, 1, M64, MIN, MAX, 0x0123456789ABCDEF, 0xFEDCBA9876543210, 2**31, 2**32 - 1, 2**32]
BYTES = 0x0123456789ABCDEF


def divide(a, b):
    """Divides signed numbers, truncating. Returns quotient and remainder."""
    if b == 0:
        raise Trap("DivideByZero")
    quotient = abs(a) // abs(b)
    quotient = -quotient if (a < 0) != (b < 0) else quotient
    return quotient, a - quotient * b


def divide_unsigned(a, b):
    if b == 0:
        raise Trap("DivideByZero")
    return divmod(a, b)


def rotate(x, n, width=64):
    """Rotates x left by n, which may be negative."""
    n %= width
    x &= (1 << width) - 1
    return (x << n | x >> (width - n)) & ((1 << width) - 1)


def extend(x, bits):
    """Sign-extends the low bits of x."""
    x &= (1 << bits) - 1
    return x - (1 << bits) if x >> (bits - 1) else x


def leading_zeros(x, width=64):
    return width - x.bit_length()


def trailing_zeros(x, width=64):
    return (x & -x).bit_length() - 1 if x else width


def reverse_bytes(x, size=8):
    return int.from_bytes(x.to_bytes(size, "little"), "big")


def signed(f):
    return lambda b, c: f(s64(b), s64(c))


def low(f):
    """Returns f of the low halves of its arguments, with a zero-extended result."""
    return lambda b, c: f(b & M32, c & M32) & M32


def low_signed(f):
    return lambda b, c: f(s32(b), s32(c)) & M32


ARITHMETIC = {
    "ADD": lambda b, c: b + c,
    "SUB": lambda b, c: b - c,
    "MUL": lambda b, c: b * c,
    "MULH": signed(lambda b, c: b * c >> 64),
    "MULHU": lambda b, c: b * c >> 64,
    "MIN": signed(min),
    "MAX": signed(max),
    "MINU": min,
    "MAXU": max,
    "AND": lambda b, c: b & c,
    "OR": lambda b, c: b | c,
    "XOR": lambda b, c: b ^ c,
    "ANDN": lambda b, c: b & ~c,
}
DIVISION = {
    "DIV": signed(lambda b, c: divide(b, c)[0]),
    "DIVU": lambda b, c: divide_unsigned(b, c)[0],
    "MOD": signed(lambda b, c: divide(b, c)[1]),
    "MODU": lambda b, c: divide_unsigned(b, c)[1],
}
COMPARISON = {
    "SEQ": lambda b, c: int(b == c),
    "SNE": lambda b, c: int(b != c),
    "SLT": signed(lambda b, c: int(b < c)),
    "SLE": signed(lambda b, c: int(b <= c)),
    "SLTU": lambda b, c: int(b < c),
    "SLEU": lambda b, c: int(b <= c),
}
SHIFT = {
    "SHL": lambda b, c: b << c % 64,
    "SHR": lambda b, c: b >> c % 64,
    "SAR": lambda b, c: s64(b) >> c % 64,
    "ROTL": lambda b, c: rotate(b, c),
    "ROTR": lambda b, c: rotate(b, -c),
}
ARITHMETIC32 = {
    "ADDW": low(lambda b, c: b + c),
    "SUBW": low(lambda b, c: b - c),
    "MULW": low(lambda b, c: b * c),
}
DIVISION32 = {
    "DIVW": low_signed(lambda b, c: divide(b, c)[0]),
    "MODW": low_signed(lambda b, c: divide(b, c)[1]),
}
COMPARISON32 = {
    "SLTW": low_signed(lambda b, c: int(b < c)),
    "SLEW": low_signed(lambda b, c: int(b <= c)),
}
SHIFT32 = {
    "SHLW": low(lambda b, c: b << c % 32),
    "SHRW": low(lambda b, c: b >> c % 32),
    "SARW": lambda b, c: s32(b) >> c % 32 & M32,
    "ROTLW": low(lambda b, c: rotate(b, c, 32)),
    "ROTRW": low(lambda b, c: rotate(b, -c, 32)),
}
UNARY = {
    "NEG": lambda b: -b,
    "ABS": lambda b: abs(s64(b)),
    "NOT": lambda b: ~b,
    "CLZ": leading_zeros,
    "CTZ": trailing_zeros,
    "POPCNT": lambda b: b.bit_count(),
    "BSWAP": reverse_bytes,
}
UNARY32 = {
    "CLZW": lambda b: leading_zeros(b & M32, 32),
    "CTZW": lambda b: trailing_zeros(b & M32, 32),
    "BSWAPW": lambda b: reverse_bytes(b & M32, 4),
}
# Mnemonic: meaning, immediates.
SIGNED16 = [-32768, -32767, -257, -256, -129, -128, -1, 0, 1, 2, 127, 128, 255, 256, 32766, 32767]
UNSIGNED16 = [0, 1, 2, 127, 128, 255, 256, 0x5555, 0x7FFF, 0x8000, 0xAAAA, 0xFFFE, 0xFFFF]
SHIFTS64 = [0, 1, 7, 8, 15, 16, 31, 32, 33, 48, 62, 63]
SHIFTS32 = [0, 1, 7, 8, 15, 16, 24, 30, 31]
IMMEDIATE = {
    "ADDI": (lambda b, i: b + i, SIGNED16),
    "MULI": (lambda b, i: b * i, SIGNED16),
    "ANDI": (lambda b, i: b & i, UNSIGNED16),
    "ORI": (lambda b, i: b | i, UNSIGNED16),
    "XORI": (lambda b, i: b ^ i, UNSIGNED16),
    "SHLI": (lambda b, i: b << i, SHIFTS64),
    "SHRI": (lambda b, i: b >> i, SHIFTS64),
    "SARI": (lambda b, i: s64(b) >> i, SHIFTS64),
    "ROTLI": (lambda b, i: rotate(b, i), SHIFTS64),
    "SEQI": (lambda b, i: int(s64(b) == i), SIGNED16),
    "SNEI": (lambda b, i: int(s64(b) != i), SIGNED16),
    "SLTI": (lambda b, i: int(s64(b) < i), SIGNED16),
    "SLTUI": (lambda b, i: int(b < i & M64), SIGNED16),
    "ADDWI": (lambda b, i: b + i & M32, SIGNED16),
    "MULWI": (lambda b, i: b * i & M32, SIGNED16),
    "SHLWI": (lambda b, i: b << i & M32, SHIFTS32),
    "SHRWI": (lambda b, i: (b & M32) >> i, SHIFTS32),
    "SARWI": (lambda b, i: s32(b) >> i & M32, SHIFTS32),
    "ROTLWI": (lambda b, i: rotate(b, i, 32), SHIFTS32),
    "SEXT": (extend, [8, 16, 32]),
    "ZEXT": (lambda b, i: b & ((1 << i) - 1), [8, 16, 32]),
}
ON_32_BITS = ("ADDWI", "MULWI", "SHLWI", "SHRWI", "SARWI", "ROTLWI")


def cross(left, right):
    return [(b, c) for b in left for c in right]


def random_pairs(random, n):
    """Returns random pairs of numbers: of any length, equal, equal in the low half, or with a small second one."""
    pairs = []
    for i in range(n):
        b = random.wide()
        c = [random.wide, random.bits, lambda: b, lambda: b ^ random.bits(32) << 32, lambda: random.bits(7)][i % 5]()
        pairs.append((b, c))
    return pairs


FEW = [(7, 3), (M64 - 6, 3), (MIN, M64), (0x0123456789ABCDEF, 0xFEDCBA9876543210), (5, 0)]
FEW32 = [(7, 3), (0x5FFFFFFF9, 3), (0x1180000000, M64), (0x0123456789ABCDEF, 0xFEDCBA9876543210), (5, 0x100000000)]
CONSTANTS = [0, 1, M64, 2, 3, 10, 64, 1000, MIN]
OTHERS = [1000003, -1000003 & M64, MIN, 0x1FFFFFFFF]


def two_sources(op, f, title, edges, few):
    random = Random(op)
    case = Case(op, title)
    case.section("edges, and pairs from a fixed seed")
    shapes.two_sources(case, op, f, edges + random_pairs(random, 24), few)
    case.section("an operand that is known")
    shapes.constants(case, op, f, CONSTANTS, OTHERS)
    return case


def one_source(op, f, edges):
    random = Random(op)
    case = Case(op, f"{op} of edge and pseudo-random values")
    bits = [1 << i for i in range(0, 64, 5)] + [(1 << i) - 1 for i in range(3, 64, 7)]
    bytes_ = [BYTES, BYTES ^ M64, 0x80, 0x8000, 0x80000000, 0xFF00FF00FF00FF00]
    values = dict.fromkeys(edges + bits + bytes_ + [random.wide() for _ in range(32)])
    shapes.one_source(case, op, f, list(values), [0, 1, M64, MIN, BYTES, 0x80000000])
    return case


def with_immediate(op, f, immediates):
    random = Random(op)
    case = Case(op, f"{op} with immediates at both ends of their range and between")
    edges = EDGES32 if op in ON_32_BITS else EDGES

    def values(imm):
        close = [imm & M64, imm + 1 & M64, imm - 1 & M64, imm & M32, -imm & M64]
        some = edges[:5] + [edges[random.between(5, len(edges) - 1)]]
        if op in ("SEXT", "ZEXT"):
            close = [
                1 << imm,
                1 << imm - 1,
                (1 << imm) - 1,
                (1 << imm - 1) - 1,
                M64 ^ 1 << imm - 1,
                BYTES,
                ~BYTES & M64,
            ]
            some = edges + [random.bits() for _ in range(12)]
        return list(dict.fromkeys(some + close + [random.wide(), random.bits()]))

    shapes.with_immediate(case, op, f, immediates, values, [BYTES, M64, 0xFEDCBA9876543210])
    return case


def multiply_add():
    """Returns the case of MAC, which reads all three of its registers."""
    case = Case("MAC", "MAC, which adds to its destination")
    f = lambda a, b, c: a + b * c & M64
    random = Random("MAC")
    triples = [(a, b, c) for a in (0, 1, M64, MIN) for b, c in cross([0, 1, M64, MIN, 2**32 + 1], [1, M64, MAX, 2**32])]
    triples += [(random.wide(), random.wide(), random.wide()) for _ in range(32)]
    case.func("f", 3, 1, ["MAC       R0, R1, R2", "RET"])
    for triple in triples:
        case.call("f", triple, [f(*triple)])
    few = [(5, 7, 3), (M64, MIN, M64), (0x0123456789ABCDEF, 0xFEDCBA9876543210, 3), (0, M64, M64)]
    high = ["MOV       RF, R0", "MOV       RA, R1", "MOV       RD, R2", "MAC       RF, RA, RD"]
    case.func("high", 3, 3, high + ["MOV       R0, RF", "MOV       R1, RA", "MOV       R2, RD", "RET"])
    for a, b, c in few:
        case.call("high", (a, b, c), [f(a, b, c), b, c])
    for name, body, meaning in (
        ("same_ab", "MAC       R0, R0, R1", lambda x, y: [f(x, x, y), y]),
        ("same_ac", "MAC       R0, R1, R0", lambda x, y: [f(x, y, x), y]),
        ("same_bc", "MAC       R0, R1, R1", lambda x, y: [f(x, y, y), y]),
        ("same_abc", "MAC       R0, R0, R0", lambda x, y: [f(x, x, x), y]),
    ):
        case.func(name, 2, 2, [body, "RET"])
        for x, y, _ in few:
            case.call(name, (x, y), meaning(x, y))
    return case


def cases():
    everything = cross(EDGES, EDGES)
    everything32 = cross(EDGES32[:11], EDGES32)
    for op, f in ARITHMETIC.items():
        yield two_sources(op, f, f"{op} of edge and pseudo-random pairs", everything, FEW)
    for op, f in ARITHMETIC32.items():
        yield two_sources(op, f, f"{op} of pairs that differ in both halves", everything32, FEW32)
    small = [(b & M64, c & M64) for b in (-7, 7) for c in (-8, -7, -3, -2, 2, 3, 7, 8)]
    for op, f in DIVISION.items():
        case = two_sources(op, f, f"{op}: signs, rounding, MIN and -1, and division by zero", everything + small, FEW)
        case.section("a result that nothing reads")
        shapes.dead(case, op, f, [(1, 0), (0, 0), (1, 1), (MIN, M64), (1, 2**32)])
        yield case
    for op, f in DIVISION32.items():
        title = f"{op} on low halves: signs, rounding, MIN and -1, and division by zero whatever the high half is"
        case = two_sources(op, f, title, everything32 + small, FEW32)
        case.section("a result that nothing reads")
        shapes.dead(case, op, f, [(1, 0), (1, 0xFFFFFFFF00000000), (1, 1), (2**31, M32)])
        yield case
    for op, f in COMPARISON.items():
        case = two_sources(op, f, f"{op} of edge and pseudo-random pairs", everything, FEW)
        case.section("a branch that tests the result")
        shapes.decides(case, op, f, FEW + [(3, 7), (7, 7)])
        yield case
    for op, f in COMPARISON32.items():
        case = two_sources(op, f, f"{op} of pairs that differ in both halves", everything32, FEW32)
        case.section("a branch that tests the result")
        shapes.decides(case, op, f, FEW32 + [(3, 7), (0x700000007, 7)])
        yield case
    for op, f in SHIFT.items():
        yield two_sources(op, f, f"{op}: counts are taken modulo 64", cross(SHIFTED, COUNTS), FEW)
    for op, f in SHIFT32.items():
        yield two_sources(op, f, f"{op}: counts are taken modulo 32", cross(EDGES32[:11], COUNTS), FEW32)
    for op, f in UNARY.items():
        yield one_source(op, f, EDGES)
    for op, f in UNARY32.items():
        yield one_source(op, f, EDGES32)
    for op, (f, immediates) in IMMEDIATE.items():
        yield with_immediate(op, f, immediates)
    yield multiply_add()
