"""Cases of loads (3x) and stores (Cx).

The memory has 65,552 bytes: a size that is not a power of two, and large enough for every displacement to reach it from
an address in it. Its first and last 64 bytes have values.
"""

from .case import Case, M64, MIN, Random, Trap, data, show
from .floats import NANS, NARROWING, SPECIAL, random_narrowing
from .integers import extend
from .ieee import narrow, widen
from .shapes import line, move

SIZE = 65552
EDGE = 64

# Mnemonic without X: bytes, meaning of the bits that are loaded.
LOADS = {
    "LOAD8U": (1, lambda x: x),
    "LOAD8S": (1, lambda x: extend(x, 8) & M64),
    "LOAD16U": (2, lambda x: x),
    "LOAD16S": (2, lambda x: extend(x, 16) & M64),
    "LOAD32U": (4, lambda x: x),
    "LOAD32S": (4, lambda x: extend(x, 32) & M64),
    "LOAD": (8, lambda x: x),
    "LOADF32": (4, widen),
}
# Mnemonic without X: bytes, the bits that are stored.
STORES = {
    "STORE8": (1, lambda x: x & 0xFF),
    "STORE16": (2, lambda x: x & 0xFFFF),
    "STORE32": (4, lambda x: x & 0xFFFFFFFF),
    "STORE": (8, lambda x: x),
    "STOREF32": (4, narrow),
}

DISPLACEMENTS = [0, 1, -1, 9, -32, 32767, -32768]
DISPLACEMENTS_INDEXED = [0, 1, -1, 9, -32, 2047, -2048]
INDEXES = [0, 1, M64, 5, 0xFFFFFFFF, 2**61, MIN, M64 - 4, 2**63 + 2**60 + 3, 1000]

# binary32: zeros, one and its neighbours, ends of the ranges, infinities, NaNs of both kinds and signs.
BINARY32 = [
    0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3F800001, 0x3F7FFFFF, 0x00000001, 0x80000001, 0x007FFFFF,
    0x807FFFFF, 0x00800000, 0x80800000, 0x00400000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000,
    0xFFC00000, 0x7F800001, 0xFF800001, 0x7FBFFFFF, 0x7FDEAD01, 0xFFFFFFFF, 0x40490FDB, 0x3EAAAAAB, 0xC2F6E979,
    0x4B800001,
]  # fmt: skip


def scaled(size):
    return size.bit_length() - 1


def operand(base, displacement, index=None, size=1):
    """Returns the text of a memory operand: [R1 + R2*8 - 16]."""
    text = base
    if index:
        text += f" + {index}" + (f"*{size}" if size > 1 else "")
    if displacement:
        text += f" {'-' if displacement < 0 else '+'} {abs(displacement)}"
    return f"[{text}]"


def initial():
    """Returns the initial memory: bytes of either sign at both ends, zeros between."""
    memory = bytearray(SIZE)
    memory[:EDGE] = bytes(i * 0x53 + 0x81 & 0xFF for i in range(EDGE))
    memory[-EDGE:] = bytes(i * 0x35 + 0xFE & 0xFF for i in range(EDGE))
    return memory


def head(memory, *more):
    ends = data("first", 0, memory[:EDGE]) + data("last", SIZE - EDGE, memory[-EDGE:])
    return [f".memory {SIZE}", *ends, *more]


def addresses(size):
    """Returns valid addresses at both ends with every alignment, the first invalid ones, and some far away."""
    end = SIZE - size
    near = [
        0,
        1,
        2,
        3,
        13,
        end,
        end - 1,
        end - 3,
        end + 1,
        SIZE - 1,
        SIZE,
        SIZE + 1,
        M64,
        -size & M64,
        1 - size & M64,
        -8 & M64,
    ]
    far = [
        2**31,
        2**32,
        2**32 + 1,
        2**32 + end,
        2**32 - size,
        MIN,
        MIN - 1,
        MIN + 8,
        -SIZE & M64,
        -(2**32) & M64,
        2**48,
    ]
    return list(dict.fromkeys(near)), far


def some_addresses(size):
    end = SIZE - size
    return [0, 7, end, end + 1, M64, -size & M64, SIZE + 40, 2**32, MIN]


def label(displacement):
    return f"plus_{displacement}" if displacement >= 0 else f"minus_{-displacement}"


class Memory:
    """The memory of a case, on which its calls act."""

    def __init__(self, case, memory, size):
        self.case = case
        self.memory = memory
        self.size = size

    def place(self, address):
        address &= M64
        if address > SIZE - self.size:
            raise Trap("MemoryOutOfBounds")
        return slice(address, address + self.size)

    def load(self, address):
        return int.from_bytes(self.memory[self.place(address)], "little")

    def store(self, address, value):
        self.memory[self.place(address)] = value.to_bytes(self.size, "little")

    def stored(self, name, args, address, value):
        """Adds a call that stores `value`, and compares the memory there, or both ends if the call traps."""
        address &= M64
        try:
            self.store(address, value)
            self.case.call(name, args, [])
        except Trap as trap:
            self.case.trap(name, args, trap.args[0])
            # A part of the value would lie at an end of the memory: it must not be written.
            if SIZE - self.size < address < SIZE + 8:
                self.case.bytes(self.memory, SIZE - 8, SIZE)
            if address > M64 - 8:
                self.case.bytes(self.memory, 0, 8)
            return
        self.case.bytes(self.memory, address - 3, address + self.size + 3)


def load(op, size, f):
    random = Random(op)
    floats = op == "LOADF32"
    memory = initial()
    more = []
    patterns = BINARY32 + [random.bits(32) for _ in range(20)]
    if floats:
        more = data("floats", 4096, patterns, "u32", 8)
        for i, bits in enumerate(patterns):
            memory[4096 + 4 * i : 4100 + 4 * i] = bits.to_bytes(4, "little")
    case = Case(
        op, f"{op}: {8 * size} bits at any alignment, at both ends of the memory and beyond them", head(memory, *more)
    )
    model = Memory(case, memory, size)
    get = lambda address: f(model.load(address))

    near, far = addresses(size)
    for d in DISPLACEMENTS:
        name = label(d)
        case.func(name, 1, 1, [line(op, "R7", operand("R0", d)), move("R0", "R7"), "RET"])
        chosen = (
            near + far + list(range(16, 34))
            if d == 0
            else some_addresses(size) + [random.below(EDGE - 8), SIZE - 8 - random.below(40)]
        )
        for address in chosen:
            case.expect(name, [address - d & M64], lambda base: [get(base + d)])
    if floats:
        case.section("every kind of number")
        case.func("number", 1, 1, [line(op, "R0", operand("R0", 4096)), "RET"])
        for i in range(len(patterns)):
            case.expect("number", [4 * i], lambda base: [get(base + 4096)])

    case.section("high registers, and the same register twice")
    case.func(
        "high",
        1,
        2,
        [move("RF", "R0"), line(op, "RA", operand("RF", 3)), move("R0", "RA"), move("R1", "RF"), "RET"],
        place=1,
    )
    case.func("same_ab", 1, 1, [line(op, "R0", operand("R0", 0)), "RET"])
    for address in (0, 5, 40, SIZE - size, SIZE - size - 3, SIZE, M64 - 2):
        case.expect("high", [address], lambda base: [get(base + 3), base])
        case.expect("same_ab", [address], lambda base: [get(base)])
    case.section("an address that is known, and a result that nothing reads")
    for i, (base, d) in enumerate(
        ((0, 0), (SIZE - size, 0), (SIZE - size, 1), (SIZE, -size), (M64, 1), (M64, 0), (2**32, 0), (0, -1))
    ):
        case.func(f"known_{i}", 0, 1, [f"MOVI      R9, {show(base)}", line(op, "R0", operand("R9", d)), "RET"], place=1)
        case.expect(f"known_{i}", [], lambda: [get(base + d)])
    case.func("dead", 1, 1, [line(op, "R7", operand("R0", 0)), "RET"])
    for address in (0, SIZE - size, SIZE - size + 1, M64, MIN):
        case.expect("dead", [address], lambda base: [get(base), base][1:])
    case.section("two loads from one base: which of them traps")
    for name, d1, d2 in (("upwards", 0, 8), ("downwards", 8, 0)):
        case.func(
            name, 1, 2, [line(op, "R1", operand("R0", d1)), line(op, "R2", operand("R0", d2)), move("R0", "R2"), "RET"]
        )
        for base in (0, SIZE - size - 8, SIZE - size, SIZE - size - 7, M64 - 7, M64 - 15, M64):
            try:
                first = get(base + d1)
            except Trap as trap:
                case.trap(name, [base], trap.args[0], 0)
                continue
            try:
                case.call(name, [base], [get(base + d2), first])
            except Trap as trap:
                case.trap(name, [base], trap.args[0], 1)
    return case


def load_indexed(op, size, f):
    random = Random(op)
    memory = initial()
    case = Case(op, f"{op}: base, index times {size} and displacement, modulo 2^64", head(memory))
    model = Memory(case, memory, size)
    get = lambda address: f(model.load(address))
    shift = scaled(size)
    op_text = lambda dst, base, index, d: line(op, dst, operand(base, d, index, size))

    near, far = addresses(size)
    turn = 0
    for d in DISPLACEMENTS_INDEXED:
        name = label(d)
        case.func(name, 2, 1, [op_text("R7", "R0", "R1", d), move("R0", "R7"), "RET"])
        chosen = (
            near + far + list(range(16, 25))
            if d == 0
            else some_addresses(size) + [random.below(EDGE - 8), SIZE - 8 - random.below(40)]
        )
        for address in chosen:
            # The index, and the base that makes it this address.
            index = INDEXES[turn % len(INDEXES)]
            turn += 1
            base = address - d - (index << shift) & M64
            case.expect(name, [base, index], lambda b, c: [get(b + (c << shift) + d)])
    case.section("every index, to both ends of the memory")
    for index in INDEXES:
        for address in (0, SIZE - size, SIZE - size + 1):
            case.expect("plus_0", [address - (index << shift) & M64, index], lambda b, c: [get(b + (c << shift))])
    case.section("an index alone")
    for index in (0, 3, SIZE // size - 1, SIZE // size, M64, 2 ** (64 - shift) + 2 & M64):
        case.expect("plus_0", [0, index], lambda b, c: [get(b + (c << shift))])

    case.section("high registers, and the same register twice")
    high = [
        move("RF", "R0"),
        move("RA", "R1"),
        op_text("RC", "RF", "RA", 2),
        move("R0", "RC"),
        move("R1", "RF"),
        move("R2", "RA"),
        "RET",
    ]
    case.func("high", 2, 3, high, place=2)
    case.func("same_ab", 2, 2, [op_text("R0", "R0", "R1", 0), "RET"])
    case.func("same_ac", 2, 2, [op_text("R1", "R0", "R1", 0), "RET"])
    last = SIZE - size
    for base, index in ((0, 1), (8, 2), (last, 0), (last - size, 1), (last, 1), (M64, 1), (MIN, 0), (20, M64)):
        case.expect("high", [base, index], lambda b, c: [get(b + (c << shift) + 2), b, c])
        case.expect("same_ab", [base, index], lambda b, c: [get(b + (c << shift)), c])
        case.expect("same_ac", [base, index], lambda b, c: [b, get(b + (c << shift))])
    case.func("same_bc", 1, 2, [op_text("R7", "R0", "R0", -1), move("R1", "R7"), "RET"])
    case.func("same_abc", 1, 1, [op_text("R0", "R0", "R0", 0), "RET"])
    for base in (1, 3, last // (1 + size), last // (1 + size) + 1, last // (1 + size) + 2, M64, MIN, 0):
        case.expect("same_bc", [base], lambda b: [b, get(b + (b << shift) - 1)])
        case.expect("same_abc", [base], lambda b: [get(b + (b << shift))])
    case.section("an index that is known, and a result that nothing reads")
    for i, (index, d) in enumerate(
        ((0, 0), (3, 1), (last // size, -1), (last // size + 1, 0), (M64, size), (M64, 0), (2 ** (63 - shift), 0))
    ):
        case.func(f"known_{i}", 1, 1, [f"MOVI      R9, {show(index)}", op_text("R0", "R0", "R9", d), "RET"], place=1)
        for base in (0, 5, MIN):
            case.expect(f"known_{i}", [base], lambda b: [get(b + (index << shift) + d)])
    case.func("dead", 2, 1, [op_text("R7", "R0", "R1", 0), "RET"])
    for base, index in ((0, 1), (last, 1), (M64, 0), (M64, 1)):
        case.expect("dead", [base, index], lambda b, c: [get(b + (c << shift)), b][1:])
    return case


def values_for(op, random):
    """Returns values to store: floats for instructions that narrow, otherwise numbers whose bytes all differ."""
    if "F32" in op:
        return (
            [v for pair in zip(NARROWING, SPECIAL * 4) for v in pair]
            + NANS
            + [random_narrowing(random) for _ in range(16)]
        )
    return [0x0123456789ABCDEF, M64, 0xFEDCBA9876543210, 0, MIN, 0x8080808080808080] + [
        random.bits() for _ in range(20)
    ]


def store(op, size, f):
    random = Random(op)
    memory = initial()
    case = Case(op, f"{op}: {8 * size} bits at any alignment, at both ends of the memory and beyond them", head(memory))
    model = Memory(case, memory, size)
    values = values_for(op, random)
    turn = 0

    def value():
        nonlocal turn
        turn += 1
        return values[turn % len(values)]

    near, far = addresses(size)
    for d in DISPLACEMENTS:
        name = label(d)
        case.func(name, 2, 0, [line(op, operand("R0", d), "R1"), "RET"])
        chosen = (
            near + far + list(range(16, 25))
            if d == 0
            else some_addresses(size) + [random.below(EDGE - 8), SIZE - 8 - random.below(40)]
        )
        for address in chosen:
            v = value()
            model.stored(name, [address - d & M64, v], address, f(v))
    case.section("every value")
    case.func("value", 1, 0, [line(op, operand("R1", 256), "R0"), "RET"])
    for v in dict.fromkeys(values + (NARROWING + NANS if "F32" in op else [])):
        model.stored("value", [v], 256, f(v))

    case.section("high registers, and the same register twice")
    high = [
        move("RF", "R0"),
        move("RA", "R1"),
        line(op, operand("RF", 3), "RA"),
        move("R0", "RF"),
        move("R1", "RA"),
        "RET",
    ]
    case.func("high", 2, 2, high, place=2)
    case.func("same_ab", 1, 0, [line(op, operand("R0", 0), "R0"), "RET"])
    for address in (0, 5, 0x1234, SIZE - size - 3):
        v = value()
        model.store(address + 3, f(v))
        case.call("high", [address, v], [address, v])
        case.bytes(memory, address, address + size + 6)
        model.stored("same_ab", [address], address, f(address))
    for address in (SIZE, M64 - 2, M64):
        model.stored("same_ab", [address], address, f(address))

    case.section("an address that is known")
    for i, (base, d) in enumerate(
        ((0, 0), (SIZE - size, 0), (SIZE - size, 1), (SIZE, -size), (M64, 1), (M64, 0), (2**32, 0), (0, -1))
    ):
        case.func(f"known_{i}", 1, 0, [f"MOVI      R9, {show(base)}", line(op, operand("R9", d), "R0"), "RET"], place=1)
        v = value()
        model.stored(f"known_{i}", [v], base + d, f(v))
    case.section("two stores to one base: the first one stays when the second one traps")
    for name, d1, d2 in (("upwards", 0, 8), ("downwards", 8, 0)):
        case.func(name, 3, 0, [line(op, operand("R0", d1), "R1"), line(op, operand("R0", d2), "R2"), "RET"])
        for base in (0, SIZE - size - 8, SIZE - size, SIZE - size - 7, M64 - 7, M64 - 15, M64):
            v1, v2 = value(), value()
            word = 0
            try:
                model.store(base + d1, f(v1))
                word = 1
                model.store(base + d2, f(v2))
                case.call(name, [base, v1, v2], [])
            except Trap as trap:
                case.trap(name, [base, v1, v2], trap.args[0], word)
            case.bytes(memory, 0, 16)
            case.bytes(memory, SIZE - 16, SIZE)
    return case


def store_indexed(op, size, f):
    random = Random(op)
    memory = initial()
    case = Case(op, f"{op}: base, index times {size} and displacement, modulo 2^64", head(memory))
    model = Memory(case, memory, size)
    values = values_for(op, random)
    shift = scaled(size)
    op_text = lambda base, index, d, src: line(op, operand(base, d, index, size), src)
    turn = 0

    def value():
        nonlocal turn
        turn += 1
        return values[turn % len(values)]

    near, far = addresses(size)
    for d in DISPLACEMENTS_INDEXED:
        name = label(d)
        case.func(name, 3, 0, [op_text("R0", "R1", d, "R2"), "RET"])
        chosen = (
            near + far + list(range(16, 22))
            if d == 0
            else some_addresses(size) + [random.below(EDGE - 8), SIZE - 8 - random.below(40)]
        )
        for address in chosen:
            v = value()
            index = INDEXES[turn % len(INDEXES)]
            model.stored(name, [address - d - (index << shift) & M64, index, v], address, f(v))
    if "F32" in op:
        case.section("every kind of number")
        case.func("value", 1, 0, ["MOVI      R1, 64", op_text("R2", "R1", 0, "R0"), "RET"])
        for v in SPECIAL + NANS + NARROWING:
            model.stored("value", [v], 256, f(v))
    case.section("high registers, and the same register twice")
    high = [move("RF", "R0"), move("RA", "R1"), move("RC", "R2"), op_text("RF", "RA", 2, "RC")]
    case.func("high", 3, 3, [*high, move("R0", "RF"), move("R1", "RA"), move("R2", "RC"), "RET"], place=3)
    case.func("same_ab", 2, 0, [op_text("R0", "R1", 0, "R0"), "RET"])
    case.func("same_ac", 2, 0, [op_text("R0", "R1", 0, "R1"), "RET"])
    last = SIZE - size
    for base, index in ((0, 1), (8, 2), (last - size - 8, 1), (24, M64), (0x1234, 77)):
        v = value()
        address = base + (index << shift) & M64
        model.store(address + 2, f(v))
        case.call("high", [base, index, v], [base, index, v])
        case.bytes(memory, address, address + size + 4)
        model.stored("same_ab", [base, index], address, f(base))
        model.stored("same_ac", [base, index], address, f(index))
    for base, index in ((last, 1), (M64, 0), (MIN, 2)):
        address = base + (index << shift)
        model.stored("same_ab", [base, index], address, f(base))
        model.stored("same_ac", [base, index], address, f(index))
    case.func("same_bc", 2, 0, [op_text("R0", "R0", -1, "R1"), "RET"])
    case.func("same_abc", 1, 0, [op_text("R0", "R0", 0, "R0"), "RET"])
    for base in (1, 3, last // (1 + size), last // (1 + size) + 1, last // (1 + size) + 2, M64, MIN, 0):
        v = value()
        model.stored("same_bc", [base, v], base + (base << shift) - 1, f(v))
        model.stored("same_abc", [base], base + (base << shift), f(base))
    case.section("an index that is known")
    for i, (index, d) in enumerate(
        ((0, 0), (3, 1), (last // size, -1), (last // size + 1, 0), (M64, size), (M64, 0), (2 ** (63 - shift), 0))
    ):
        case.func(f"known_{i}", 2, 0, [f"MOVI      R9, {show(index)}", op_text("R0", "R9", d, "R1"), "RET"], place=1)
        for base in (0, 5, MIN):
            v = value()
            model.stored(f"known_{i}", [base, v], base + (index << shift) + d, f(v))
    return case


def cases():
    for op, (size, f) in LOADS.items():
        yield load(op, size, f)
        yield load_indexed(op + "X", size, f)
    for op, (size, f) in STORES.items():
        yield store(op, size, f)
        yield store_indexed(op + "X", size, f)
