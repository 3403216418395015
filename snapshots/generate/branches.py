"""Cases of forward branches: 11 to 1A, D9, DA and Ex.

A function returns 1 if its branch is taken, otherwise 0."""

from .case import Case, M64, MIN, Random, s32, s64, show
from .integers import EDGES, EDGES32, cross, random_pairs
from .shapes import line, move


def tail(*also):
    """Returns the lines after the branch: on each path the result and the lines `also`."""
    return ["MOVI      R0, 0", *also, "RET", "taken:", "MOVI      R0, 1", *also, "RET"]


TAIL = tail()

ONE_REGISTER = {
    "JZ": lambda a: a == 0,
    "JNZ": lambda a: a != 0,
    "JN": lambda a: s64(a) < 0,
}
TWO_REGISTERS = {
    "JEQ": lambda a, b: a == b,
    "JNE": lambda a, b: a != b,
    "JLT": lambda a, b: s64(a) < s64(b),
    "JGE": lambda a, b: s64(a) >= s64(b),
    "JLTU": lambda a, b: a < b,
    "JGEU": lambda a, b: a >= b,
    "JLTW": lambda a, b: s32(a) < s32(b),
    "JGEW": lambda a, b: s32(a) >= s32(b),
}
SIGNED8 = [-128, -127, -100, -2, -1, 0, 1, 2, 63, 64, 126, 127]
UNSIGNED8 = [0, 1, 2, 100, 127, 128, 129, 200, 254, 255]
IMMEDIATE = {
    "JEQI": (lambda a, i: s64(a) == i, SIGNED8),
    "JNEI": (lambda a, i: s64(a) != i, SIGNED8),
    "JLTI": (lambda a, i: s64(a) < i, SIGNED8),
    "JGEI": (lambda a, i: s64(a) >= i, SIGNED8),
    "JLTUI": (lambda a, i: a < i, UNSIGNED8),
    "JGEUI": (lambda a, i: a >= i, UNSIGNED8),
}


def start(op):
    return Case(op, f"{op}, forward: a function gives 1 if it branches, otherwise 0")


def next_word(case, op, params, operands, calls):
    """Adds a branch to the next word, which has no effect whether it is taken or not."""
    case.func("next_word", params, 1, [line(op, *operands, "next"), "next:", "RET"])
    for args in calls:
        case.call("next_word", args, [args[0]])


def one_register(op, f):
    case = start(op)
    case.func("f", 1, 1, [line(op, "R0", "taken"), *TAIL])
    random = Random(op)
    values = [1 << i for i in range(0, 64, 7)] + [MIN | 1 << i for i in range(0, 63, 9)]
    for a in dict.fromkeys(EDGES + values + [random.wide() for _ in range(16)]):
        case.call("f", [a], [int(f(a))])
    case.func("high", 1, 2, [move("RF", "R0"), line(op, "RF", "taken"), *tail(move("R1", "RF"))])
    for a in EDGES:
        case.call("high", [a], [int(f(a)), a])
    for i, a in enumerate((0, 1, M64)):
        name = f"constant_{i}"
        case.func(name, 0, 1, [f"MOVI      R7, {show(a)}", line(op, "R7", "taken"), *TAIL])
        case.call(name, [], [int(f(a))])
    next_word(case, op, 1, ["R0"], [[a] for a in (0, 5, M64)])
    return case


def loop():
    case = start("LOOP")
    case.func("f", 1, 2, [move("R1", "R0"), "LOOP      R1, taken", *TAIL])
    case.func("high", 1, 2, [move("RC", "R0"), "LOOP      RC, taken", *tail(move("R1", "RC"))])
    for a in EDGES + [2, 3, 2**32 + 2, MIN + 1]:
        case.call("f", [a], [int(a != 1), a - 1 & M64])
        case.call("high", [a], [int(a != 1), a - 1 & M64])
    case.func("next_word", 1, 1, ["LOOP      R0, next", "next:", "RET"])
    for a in (0, 1, 2):
        case.call("next_word", [a], [a - 1 & M64])
    case.func("twice", 1, 1, ["LOOP      R0, first", "RET", "first:", "LOOP      R0, second", "RET", "second:", "RET"])
    for a in range(5):
        case.call("twice", [a], [(a - 1 if a == 1 else a - 2) & M64])
    return case


def two_registers(op, f):
    case = start(op)
    edges = EDGES32 if op.endswith("W") else EDGES
    random = Random(op)
    case.func("f", 2, 1, [line(op, "R0", "R1", "taken"), *TAIL])
    for a, b in cross(edges, edges) + random_pairs(random, 25):
        case.call("f", [a, b], [int(f(a, b))])
    few = [(3, 7), (7, 3), (7, 7), (M64, 1), (1, M64), (MIN, M64), (0x100000007, 7), (0x80000000, 1)]
    case.func("high", 2, 1, ["MOV       RA, R0", "MOV       RF, R1", line(op, "RF", "RA", "taken"), *TAIL])
    case.func("mixed", 2, 1, ["MOV       RE, R1", line(op, "R0", "RE", "taken"), *TAIL])
    for a, b in few:
        case.call("high", [a, b], [int(f(b, a))])
        case.call("mixed", [a, b], [int(f(a, b))])
    case.func("same", 1, 1, [line(op, "R0", "R0", "taken"), *TAIL])
    for a in (0, 1, M64, MIN, 0x100000000):
        case.call("same", [a], [int(f(a, a))])
    for i, k in enumerate((0, 1, M64, 1000, 2**31)):
        case.func(f"constant_{i}_b", 1, 1, [f"MOVI      R9, {show(k)}", line(op, "R0", "R9", "taken"), *TAIL])
        case.func(f"constant_{i}_a", 1, 1, [f"MOVI      R9, {show(k)}", line(op, "R9", "R0", "taken"), *TAIL])
        for a in (k, k - 1 & M64, k + 1 & M64):
            case.call(f"constant_{i}_b", [a], [int(f(a, k))])
            case.call(f"constant_{i}_a", [a], [int(f(k, a))])
    next_word(case, op, 2, ["R0", "R1"], few[:3])
    return case


def with_immediate(op, f, immediates):
    case = start(op)
    random = Random(op)
    for imm in immediates:
        name = f"imm_{imm}" if imm >= 0 else f"imm_minus_{-imm}"
        case.func(name, 1, 1, [line(op, "R0", str(imm), "taken"), *TAIL])
        close = [imm & M64, imm + 1 & M64, imm - 1 & M64, imm & 0xFF, imm & 0xFFFFFFFF, imm + 2**32 & M64, -imm & M64]
        for a in dict.fromkeys(close + [0, 1, M64, MIN, MIN - 1, random.wide(), random.wide()]):
            case.call(name, [a], [int(f(a, imm))])
        case.func(name + "_high", 1, 1, [move("RD", "R0"), line(op, "RD", str(imm), "taken"), *TAIL])
        for a in close[:3]:
            case.call(name + "_high", [a], [int(f(a, imm))])
    next_word(case, op, 1, ["R0", "5"], [[5], [4], [6]])
    return case


def cases():
    for op, f in ONE_REGISTER.items():
        yield one_register(op, f)
    yield loop()
    for op, f in TWO_REGISTERS.items():
        yield two_registers(op, f)
    for op, (f, immediates) in IMMEDIATE.items():
        yield with_immediate(op, f, immediates)
