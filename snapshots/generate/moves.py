"""Cases of data movement: class 2x."""

from .case import Bits, Case, M64, MAX, MIN, Random, Trap, data, show
from .shapes import line, move

VALUES = [0, 1, M64, MIN, MAX, 0x0123456789ABCDEF, 2**32 - 1, 2**32, Bits(0x7FF0000000000001), Bits(0xFFF8DEADBEEF0001)]
REGISTERS = [f"R{digit}" for digit in "0123456789ABCDEF"]

# Floating numbers as they can be written, and their bits.
FLOATING = {
    "0.0": 0,
    "-0.0": MIN,
    "1.0": 0x3FF0000000000000,
    "2.5": 0x4004000000000000,
    "-2.5": 0xC004000000000000,
    "0.1": 0x3FB999999999999A,
    "1e-3": 0x3F50624DD2F1A9FC,
    "1e300": 0x7E37E43C8800759C,
    "inf": 0x7FF0000000000000,
    "-inf": 0xFFF0000000000000,
    "nan": 0x7FF8000000000000,
    "5e-324": 1,
    "1.7976931348623157e308": 0x7FEFFFFFFFFFFFFF,
}


def mov():
    case = Case("MOV", "MOV between all registers, and registers that nothing was written to")
    case.func("through_all", 1, 1, [move(b, a) for a, b in zip(REGISTERS, REGISTERS[1:])] + [move("R0", "RF"), "RET"])
    case.func("self", 1, 1, [move("R0", "R0"), "RET"])
    for name in ("through_all", "self"):
        for a in VALUES:
            case.call(name, [a], [a])
    case.section("a function that fills all registers, then one that finds them zero")
    case.func("fill", 1, 1, [move(a, "R0") for a in REGISTERS[1:]] + ["RET"])
    # Sums up what registers 1 to 15 hold before anything is written to them.
    case.func("fresh", 0, 1, [line("OR", "R0", "R0", a) for a in REGISTERS[1:]] + ["RET"])
    case.func("fresh_last", 0, 1, [move("R0", "RF"), "RET"])
    case.func("fresh_results", 0, 4, ["RET"])
    case.call("fill", [M64], [M64])
    case.call("fresh", [], [0])
    case.call("fill", [M64], [M64])
    case.call("fresh_last", [], [0])
    case.call("fill", [M64], [M64])
    case.call("fresh_results", [], [0, 0, 0, 0])
    case.section("parameters and results in their order; a parameter that is overwritten before it is read")
    case.func(
        "reverse",
        4,
        4,
        [move(f"R{i + 4}", f"R{i}") for i in range(4)] + [move(f"R{i}", f"R{7 - i}") for i in range(4)] + ["RET"],
    )
    case.call("reverse", [1, 2, 3, 4], [4, 3, 2, 1])
    last = [move(f"R{i}", f"R{i + 4}") for i in range(4)]
    case.func("eight", 8, 4, last + ["RET"])
    case.call("eight", [1, 2, 3, 4, 5, 6, 7, MIN], [5, 6, 7, MIN])
    case.func("overwritten", 2, 2, [move("R0", "R1"), move("R1", "R0"), "RET"])
    case.call("overwritten", [1, 2], [2, 2])
    return case


def movi():
    case = Case("MOVI", "MOVI with immediates at both ends of its range, and beyond them, where it means CONST")
    numbers = [0, 1, -1, 2, 127, -128, 32767, 32768, -32768, -32769, 65535, 65536, 524287, 524286, -524288, -524287]
    beyond = [524288, -524289, 2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, -(2**32), MAX, -MIN, MIN, M64, M64 - 1]
    for i, n in enumerate(numbers + beyond):
        reg = ["R0", "R7", "RF"][i % 3]
        case.func(f"f_{i}", 0, 1, [f"MOVI      {reg}, {n}", *([move("R0", reg)] if i % 3 else []), "RET"])
        case.call(f"f_{i}", [], [n & M64])
    case.section("floating numbers, and other ways to write a number")
    for i, (text, value) in enumerate(FLOATING.items()):
        case.func(f"float_{i}", 0, 1, [f"MOVI      R0, {text}", "RET"])
        case.call(f"float_{i}", [], [Bits(value)])
    for i, (text, value) in enumerate(
        (("0x7_ffff", 524287), ("0b1010_0101", 165), ("'A'", 65), ("1_000_000", 1000000), ("-0x80000", M64 - 524287))
    ):
        case.func(f"text_{i}", 0, 1, [f"MOVI      R0, {text}", "RET"])
        case.call(f"text_{i}", [], [value])
    return case


def const():
    values = VALUES + [5, 524287, 524288, MIN + 1]
    head = [f".const c{i} = {show(v)}" for i, v in enumerate(values)]
    case = Case("CONST", "CONST: entries of the constant pool, by name and by number", head)
    for i, v in enumerate(values):
        case.func(f"named_{i}", 0, 1, [f"CONST     R0, c{i}", "RET"])
        case.call(f"named_{i}", [], [v])
        case.func(f"numbered_{i}", 0, 1, [f"CONST     RE, ${i}", move("R0", "RE"), "RET"])
        case.call(f"numbered_{i}", [], [v])
    return case


def xchg():
    case = Case("XCHG", "XCHG")
    case.func("f", 2, 2, [line("XCHG", "R0", "R1"), "RET"])
    case.func(
        "high",
        2,
        2,
        [move("RB", "R0"), move("RF", "R1"), line("XCHG", "RF", "RB"), move("R0", "RB"), move("R1", "RF"), "RET"],
    )
    case.func("same", 2, 2, [line("XCHG", "R0", "R0"), "RET"])
    case.func("rotated", 3, 3, [line("XCHG", "R0", "R1"), line("XCHG", "R1", "R2"), "RET"])
    for a, b in zip(VALUES, VALUES[1:]):
        case.call("f", [a, b], [b, a])
        case.call("high", [a, b], [b, a])
        case.call("same", [a, b], [a, b])
        case.call("rotated", [a, b, 9], [b, 9, a])
    return case


def cmov(op, moves):
    case = Case(op, f"{op}, which keeps its destination if its condition does not hold")
    f = lambda a, b, c: b if moves(c) else a
    conditions = [0, 1, M64, MIN, 2**32, 2**31, 2, 2**63 + 1, 2**16, 256]
    case.func("f", 3, 1, [line(op, "R0", "R1", "R2"), "RET"])
    high = [move("RF", "R0"), move("RA", "R1"), move("RD", "R2"), line(op, "RF", "RA", "RD")]
    case.func("high", 3, 3, [*high, move("R0", "RF"), move("R1", "RA"), move("R2", "RD"), "RET"])
    for c in conditions:
        for a, b in ((1, 2), (M64, 0), (MIN, MAX)):
            case.call("f", [a, b, c], [f(a, b, c)])
        case.call("high", [5, 6, c], [f(5, 6, c), 6, c])
    for name, body, meaning in (
        ("same_ab", ("R0", "R0", "R1"), lambda x, y: [x, y]),
        ("same_ac", ("R0", "R1", "R0"), lambda x, y: [f(x, y, x), y]),
        ("same_bc", ("R0", "R1", "R1"), lambda x, y: [f(x, y, y), y]),
        ("same_abc", ("R0", "R0", "R0"), lambda x, y: [x, y]),
    ):
        case.func(name, 2, 2, [line(op, *body), "RET"])
        for x in (0, 1, M64):
            for y in (0, 7, MIN):
                case.call(name, [x, y], meaning(x, y))
    case.section("a condition that a comparison gives")
    for name, comparison in (("equal", "SEQ"), ("less", "SLT")):
        holds = (lambda a, b: a == b) if name == "equal" else (lambda a, b: a < b)
        case.func(name, 4, 1, [line(comparison, "R7", "R2", "R3"), line(op, "R0", "R1", "R7"), "RET"])
        for pair in ((1, 2), (2, 1), (2, 2)):
            case.call(name, [10, 20, *pair], [f(10, 20, int(holds(*pair)))])
    return case


def locals_(op):
    """Returns the case of GETL or SETL. Each needs the other one, so both cases use both."""
    random = Random(op)
    if op == "GETL":
        case = Case(op, "GETL: locals are zero when a function is entered, and are its own")
        case.func(
            "dirty",
            1,
            1,
            [line("SETL", "R0", f"${i}") for i in range(16)] + [line("GETL", "R0", "$15"), "RET"],
            locals_=16,
        )
        case.func(
            "fresh",
            0,
            1,
            [x for i in range(16) for x in (line("GETL", "R1", f"${i}"), line("OR", "R0", "R0", "R1"))] + ["RET"],
            locals_=16,
        )
        case.func("fresh_last", 0, 1, [line("GETL", "R0", "$4094"), "RET"], locals_=4095)
        case.func("caller", 1, 2, [
            line("SETL", "R0", "$0"), line("SETL", "R0", "$15"), "MOVI      R0, -1", "CALL      dirty",
            line("GETL", "R0", "$0"), line("GETL", "R1", "$15"), "RET",
        ], locals_=16)  # fmt: skip
        for v in VALUES:
            case.call("dirty", [v], [v])
            case.call("fresh", [], [0])
            case.call("caller", [v], [v, v])
        case.call("fresh_last", [], [0])
        return case
    case = Case(op, "SETL: the first and the last local, and none but the one that is named")
    case.func("one", 1, 1, [line("SETL", "R0", "$0"), "MOVI      R0, 0", line("GETL", "R0", "$0"), "RET"], locals_=1)
    for v in VALUES:
        case.call("one", [v], [v])
    case.func("high", 2, 4, [
        move("RE", "R0"), move("RB", "R1"), line("SETL", "RE", "$7"), line("SETL", "RB", "$8"),
        line("GETL", "R0", "$7"), line("GETL", "R1", "$8"), line("GETL", "R2", "$6"), line("GETL", "R3", "$9"), "RET",
    ], locals_=10)  # fmt: skip
    case.func("ends", 3, 4, [
        line("SETL", "R0", "$0"), line("SETL", "R1", "$4094"), line("SETL", "R2", "$255"), line("GETL", "RA", "$0"),
        line("GETL", "RF", "$4094"), line("GETL", "R2", "$255"), line("GETL", "R3", "$4093"),
        move("R0", "RA"), move("R1", "RF"), "RET",
    ], locals_=4095)  # fmt: skip
    for _ in range(12):
        a, b, c = random.wide(), random.wide(), random.wide()
        case.call("high", [a, b], [a, b, 0, 0])
        case.call("ends", [a, b, c], [a, b, c, 0])
    case.func(
        "last_written",
        2,
        1,
        [line("SETL", "R0", "$1"), line("SETL", "R1", "$1"), line("GETL", "R0", "$1"), "RET"],
        locals_=2,
    )
    case.call("last_written", [1, 2], [2])
    return case


def globals_(op):
    random = Random(op)
    initial = [Bits(0x7FF0000000000001), M64, MIN, 0] + [random.wide() for _ in range(252)]
    head = [".global first = 0x7ff0000000000001", ".global second = -1", f".global = {show(MIN)}", ".global fourth"]
    head += [f".global = {show(v)}" for v in initial[4:]]
    title = (
        "GETG: initial values of 256 globals"
        if op == "GETG"
        else "SETG: globals stay as they are left, also by a trap, until there is a new instance"
    )
    case = Case(op, title, head)
    if op == "GETG":
        for i, v in enumerate(initial[:4] + initial[:12]):
            name = f"f_{i}"
            index = ["first", "second", "$2", "fourth"][i] if i < 4 else f"${i - 4}"
            reg = ["R0", "RC"][i % 2]
            case.func(name, 0, 1, [line("GETG", reg, index), move("R0", reg), "RET"])
            case.call(name, [], [v])
        for i in (127, 128, 254, 255):
            case.func(f"g_{i}", 0, 1, [line("GETG", "R0", f"${i}"), "RET"])
            case.call(f"g_{i}", [], [initial[i]])
        case.func(
            "all",
            0,
            1,
            [
                x
                for i in range(256)
                for x in (line("GETG", "R1", f"${i}"), line("XOR", "R0", "R0", "R1"), "ROTLI     R0, R0, 7")
            ]
            + ["RET"],
        )
        x = 0
        for v in initial:
            x ^= v
            x = (x << 7 | x >> 57) & M64
        case.call("all", [], [x])
        return case
    current = list(initial)
    case.func("set_first", 1, 0, [line("SETG", "R0", "first"), "RET"])
    case.func("set_last", 1, 0, [move("RD", "R0"), line("SETG", "RD", "$255"), "RET"])
    case.func("set_middle", 1, 1, [line("SETG", "R0", "$100"), line("GETG", "R0", "$100"), "RET"])
    case.func("get", 0, 3, [line("GETG", "R0", "$0"), line("GETG", "R1", "$100"), line("GETG", "R2", "$255"), "RET"])
    case.func("set_and_trap", 1, 0, [line("SETG", "R0", "second"), "TRAP      7"], place=1)
    case.call("get", [], [current[0], current[100], current[255]])
    for v in VALUES + [random.wide() for _ in range(10)]:
        for name, i in (("set_first", 0), ("set_last", 255), ("set_middle", 100)):
            v = random.wide() if i else v
            current[i] = v
            case.call(name, [v], [v] if name == "set_middle" else [])
            case.step(f"global {i} = {show(v)}")
        case.call("get", [], [current[0], current[100], current[255]])
    case.trap("set_and_trap", [77], "Explicit(7)")
    case.step("global 1 = 77")
    case.step(f"global 2 = {show(current[2])}")
    case.step("new")
    case.step("global 1 = -1")
    case.call("get", [], [initial[0], initial[100], initial[255]])
    return case


def numbered_globals(op):
    random = Random(op)
    initial = [random.wide() for _ in range(300)]
    title = f"{op}: the number of the global is an immediate and a register, which do not wrap"
    case = Case(op, title, [f".global = {show(v)}" for v in initial])
    beyond = [M64, MIN, MAX, 2**32, 2**32 - 1, 2**16, -1 & M64, -300 & M64]
    current = list(initial)

    def global_(first, number):
        if first + number >= len(current):
            raise Trap("GlobalOutOfBounds")
        return first + number

    if op == "GETGX":
        for first in (0, 1, 44, 255, 256, 298, 299):
            name = f"from_{first}"
            f = lambda b: [current[global_(first, b)]]
            case.func(name, 1, 1, [line(op, "R7", "R0", f"${first}"), move("R0", "R7"), "RET"])
            numbers = [0, 1, 7, 255, 256, 298, 299, 300, 301, *(299 - first + d for d in (-1, 0, 1, 2)), *beyond]
            for number in dict.fromkeys(n for n in [*numbers, -first & M64, 300 - first] if n >= 0):
                case.expect(name, [number], f)
        f = lambda b: [current[global_(3, b)]]
        case.func("same", 1, 1, [line(op, "R0", "R0", "$3"), "RET"])
        high = [move("RE", "R0"), line(op, "RC", "RE", "$3"), move("R0", "RC"), move("R1", "RE"), "RET"]
        case.func("high", 1, 2, high, place=1)
        case.func("dead", 1, 1, [line(op, "R7", "R0", "$3"), "RET"])
        for number in (0, 100, 296, 297, M64 - 2):
            case.expect("same", [number], f)
            case.expect("high", [number], lambda b: [*f(b), b])
            case.expect("dead", [number], lambda b: [*f(b), b][1:])
        for i, number in enumerate((0, 296, 297, M64)):
            name = f"constant_{i}"
            body = [f"MOVI      R9, {show(number)}", line(op, "R0", "R9", "$3"), "RET"]
            case.func(name, 0, 1, body, place=1)
            case.expect(name, [], lambda: f(number))
        return case

    def set_(first):
        def run(value, b):
            current[global_(first, b)] = value
            return []

        return run

    for first in (0, 1, 44, 256, 299):
        name = f"from_{first}"
        case.func(name, 2, 0, [line(op, "R0", "R1", f"${first}"), "RET"])
        for number in (0, 1, 254, 255, 256, 299 - first, 300 - first, 299, 300, -first & M64, *beyond):
            value = random.wide()
            case.expect(name, [value, number], set_(first))
            if first + number < 300:
                case.step(f"global {first + number} = {show(value)}")
        case.step(f"global 299 = {show(current[299])}")
        case.step(f"global 0 = {show(current[0])}")
    case.func("same", 1, 0, [line(op, "R0", "R0", "$7"), "RET"])
    for number in (0, 292, 293):
        case.expect("same", [number], lambda b: set_(7)(b, b))
    case.step("global 299 = 292")
    case.step("global 7 = 0")
    high = [move("RD", "R0"), move("RF", "R1"), line(op, "RD", "RF", "$9"), move("R0", "RD"), move("R1", "RF"), "RET"]
    case.func("high", 2, 2, high, place=2)
    for value, number in ((Bits(0x7FF0000000000001), 0), (M64, 290), (MIN, 291)):
        case.expect("high", [value, number], lambda a, b: set_(9)(a, b) + [a, b])
    both = [line("GETGX", "R2", "R0", "$0"), line(op, "R1", "R0", "$0"), line("GETGX", "R3", "R0", "$0")]
    both += [line("GETG", "R4", "$20"), move("R0", "R2"), move("R1", "R3"), move("R2", "R4"), "RET"]
    case.func("between", 2, 3, both)
    for number in (20, 21, 300):
        value = random.wide()

        def between(b, value):
            before = current[global_(0, b)]
            set_(0)(value, b)
            return [before, value, current[20]]

        case.expect("between", [number, value], between)
    written = [line("SETG", "R1", "$20"), line("GETGX", "R2", "R0", "$10"), line(op, "R2", "R0", "$11")]
    written += [line("GETG", "R0", "$20"), line("GETG", "R1", "$21"), "RET"]
    case.func("written", 2, 2, written, place=1)
    for number in (9, 10, 11):
        value = random.wide()

        def run(b, value):
            current[20] = value
            current[11 + b] = current[10 + b]
            return [current[20], current[21]]

        case.expect("written", [number, value], run)
    return case


def memsize():
    case = Case("MEMSIZE", "MEMSIZE: the size that the host chose", [".memory 16"])
    case.func("f", 0, 1, ["MEMSIZE   R0", "RET"])
    case.func("high", 1, 2, ["MEMSIZE   RF", move("R1", "RF"), "RET"])
    case.call("f", [], [16])
    for size in (16, 32, 48, 256, 4096, 4112, 65520, 65536, 65552, 2**20, 2**24):
        case.step("new")
        case.step(f"memory {size}")
        case.call("f", [], [size])
        case.call("high", [M64], [M64, size])
    return case


class Bulk:
    """A case of MEMCOPY or MEMFILL that compares the whole memory after every call."""

    def __init__(self, op, title, size):
        initial = [i * 37 + 5 & 0xFF for i in range(size)]
        self.op = op
        self.case = Case(op, title, [f".memory {size}", *data("pattern", 0, initial)])
        self.memory = bytearray(initial)

    def act(self, a, b, c):
        """Executes the instruction. Returns whether it succeeds; otherwise it traps."""
        size = len(self.memory)
        copies = self.op == "MEMCOPY"
        if c > size or a > size - c or copies and b > size - c:
            return False
        self.memory[a : a + c] = self.memory[b : b + c] if copies else bytes([b & 0xFF]) * c
        return True

    def call(self, name, args, operands, results=()):
        if self.act(*operands):
            self.case.call(name, args, list(results))
        else:
            self.case.trap(name, args, "MemoryOutOfBounds")
        self.case.bytes(self.memory, 0, len(self.memory))


def bulk(op):
    """Returns the case of MEMCOPY or MEMFILL, with a memory of 64 bytes."""
    size = 64
    copies = op == "MEMCOPY"
    title = "MEMCOPY: overlaps, bounds, no bytes" if copies else "MEMFILL: the low byte, bounds, no bytes"
    run = Bulk(op, title + "; a trap writes nothing", size)
    case, random = run.case, Random(op)
    case.func("f", 3, 0, [line(op, "R0", "R1", "R2"), "RET"])
    high = [move("RF", "R0"), move("RA", "R1"), move("RC", "R2"), line(op, "RF", "RA", "RC")]
    case.func("high", 3, 3, [*high, move("R0", "RF"), move("R1", "RA"), move("R2", "RC"), "RET"], place=3)
    if copies:
        good = [
            (8, 0, 16),
            (0, 8, 16),
            (1, 0, 63),
            (0, 1, 63),
            (0, 0, 64),
            (32, 0, 32),
            (63, 0, 1),
            (5, 21, 0),
            (2, 0, 7),
            (0, 40, 9),
        ]
        edge = [
            (64, 0, 0),
            (0, 64, 0),
            (64, 64, 0),
            (65, 0, 0),
            (0, 65, 0),
            (M64, 0, 0),
            (0, M64, 0),
            (2**32, 0, 0),
            (0, MIN, 0),
        ]
        bad = [
            (0, 0, 65),
            (1, 0, 64),
            (0, 1, 64),
            (63, 0, 2),
            (0, 63, 2),
            (64, 0, 1),
            (0, 64, 1),
            (M64, 0, 2),
            (0, M64, 2),
        ]
        bad += [(0, 0, M64), (1, 1, M64), (M64 - 7, 0, 16), (0, M64 - 7, 16), (0, 0, MIN), (2**32, 0, 1), (0, 2**32, 1)]
        bad += [
            (0, 0, 2**32),
            (0, 0, 2**32 + 1),
            (0, 2**32 + 8, 4),
            (2**32 + 8, 0, 4),
            (M64, M64, M64),
            (MIN, MIN, MIN),
            (40, 8, 25),
        ]
        draws = lambda: (random.below(60), random.below(60), random.below(30))
    else:
        good = [
            (0, 0xAB, 16),
            (48, 0x1FF, 16),
            (7, M64, 3),
            (3, 0x100, 1),
            (0, 0x123456789ABCDE5A, 64),
            (63, 0, 1),
            (20, 1, 0),
            (9, 0xFF00, 17),
        ]
        edge = [(64, 3, 0), (65, 3, 0), (M64, 3, 0), (2**32, 3, 0), (MIN, 3, 0), (0, 3, 0)]
        bad = [
            (0, 4, 65),
            (1, 4, 64),
            (63, 4, 2),
            (64, 4, 1),
            (M64, 4, 2),
            (0, 4, M64),
            (1, 4, M64),
            (M64 - 7, 4, 16),
            (0, 4, MIN),
        ]
        bad += [
            (2**32, 4, 1),
            (0, 4, 2**32),
            (0, 4, 2**32 + 1),
            (2**32 + 8, 4, 4),
            (M64, 4, M64),
            (MIN, 4, MIN),
            (40, 4, 25),
        ]
        draws = lambda: (random.below(60), random.bits(), random.below(30))
    for operands in good + edge + bad + [draws() for _ in range(16)]:
        run.call("f", operands, operands)
    for operands in good[:6] + bad[:6]:
        run.call("high", operands, operands, operands)
    case.section("the same register twice")
    case.func("same_ab", 2, 0, [line(op, "R0", "R0", "R1"), "RET"])
    for a, c in ((0, 64), (40, 24), (40, 25), (64, 0), (8, 5)):
        run.call("same_ab", (a, c), (a, a, c))
    case.func("same_ac", 2, 0, [line(op, "R0", "R1", "R0"), "RET"])
    for a, b in ((32, 0), (32, 33), (33, 0), (4, 9), (0, 1)):
        run.call("same_ac", (a, b), (a, b, a))
    case.func("same_bc", 2, 0, [line(op, "R0", "R1", "R1"), "RET"])
    for a, b in ((0, 32), (33, 32), (32, 31), (1, 20), (64, 0)):
        run.call("same_bc", (a, b), (a, b, b))
    case.func("same_abc", 1, 0, [line(op, "R0", "R0", "R0"), "RET"])
    for a in (0, 1, 32, 33, 20, M64):
        run.call("same_abc", (a,), (a, a, a))

    case.section("many bytes")
    case.func("put", 2, 0, ["STORE     [R0], R1", "RET"])
    size = 2**20
    case.step("new")
    case.step(f"memory {size}")
    run.memory += bytes(size - len(run.memory))
    run.memory[:64] = bytes(i * 37 + 5 & 0xFF for i in range(64))
    marks = [0, 3, 4099, 65531, 262143, 300000, 524280, 1000000, size - 8]

    def put(address, value):
        case.call("put", [address, value], [])
        run.memory[address : address + 8] = value.to_bytes(8, "little")

    def compare(*places):
        for place in places:
            case.bytes(run.memory, place - 8, place + 16)

    def large(*operands):
        assert run.act(*operands)
        case.call("f", operands, [])
        a, b, c = operands
        compare(a, a + c, a + c // 2)

    if copies:
        case.func("fill", 3, 0, ["MEMFILL   R0, R1, R2", "RET"])
        case.call("fill", [100, 0xAB, 300000], [])
        run.memory[100:300100] = b"\xab" * 300000
        for mark in marks:
            put(mark, random.bits())
        large(500001, 3, 262147)
        compare(*(500001 - 3 + mark for mark in marks[:4]))
        large(2, 0, size - 2)
        compare(*marks)
        large(0, 5, size - 5)
        compare(*marks)
        large(size // 2, 0, size // 2)
        compare(*marks)
    else:
        for mark in marks:
            put(mark, random.bits())
        large(1, 0x5A, 65531)
        large(65537, 0xC3, 262145)
        large(300001, 0, size - 300001)
        large(0, 0x1EE, size)
        compare(*marks)
    return case


def cases():
    yield from (mov(), movi(), const(), xchg(), cmov("CMOVZ", lambda c: c == 0), cmov("CMOVNZ", lambda c: c != 0))
    yield from (
        locals_("GETL"),
        locals_("SETL"),
        globals_("GETG"),
        globals_("SETG"),
        numbered_globals("GETGX"),
        numbered_globals("SETGX"),
        memsize(),
        bulk("MEMCOPY"),
        bulk("MEMFILL"),
    )
