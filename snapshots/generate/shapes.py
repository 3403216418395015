"""Shapes of functions with one instruction: high registers, the same register twice, constants, dead results.

`op` is the mnemonic, with an FMATH function if it has one, and `f` its meaning: from the values of its sources to its
result; it raises Trap where the instruction traps.
"""

from .case import Bits, M64, show


def masked(f):
    """Returns f with its result cut to 64 bits."""

    def run(*args):
        result = f(*args)
        return result if isinstance(result, Bits) else result & M64

    return run


def line(op, dst, *sources):
    """Returns the text of an instruction; `FMATH sin` becomes `FMATH dst, sin, …`."""
    mnemonic, *function = op.split()
    return f"{mnemonic:<9} " + ", ".join([dst, *function, *sources])


def move(dst, src):
    return f"{'MOV':<9} {dst}, {src}"


def two_sources(case, op, f, pairs, few, prefix="", ones=None):
    """Adds a ← f(b, c) with different registers for all `pairs`, and with high registers, a = b and a = c for the `few`.

    `ones` are the values for b = c, by default those of the `few`.
    """
    f = masked(f)
    name = lambda n: prefix + n
    case.func(name("f"), 2, 1, [line(op, "R7", "R0", "R1"), move("R0", "R7"), "RET"])
    for pair in pairs:
        case.expect(name("f"), pair, lambda b, c: [f(b, c)])

    high = [move("RE", "R0"), move("RB", "R1"), line(op, "RC", "RE", "RB")]
    back = [move("R0", "RC"), move("R1", "RE"), move("R2", "RB"), "RET"]
    case.func(name("high"), 2, 3, high + back, place=2)
    for pair in few:
        case.expect(name("high"), pair, lambda b, c: [f(b, c), b, c])

    case.func(name("same_ab"), 2, 2, [line(op, "R0", "R0", "R1"), "RET"])
    for pair in few:
        case.expect(name("same_ab"), pair, lambda b, c: [f(b, c), c])
    case.func(name("same_ac"), 2, 2, [line(op, "R1", "R0", "R1"), "RET"])
    for pair in few:
        case.expect(name("same_ac"), pair, lambda b, c: [b, f(b, c)])
    high = [move("RD", "R0"), move("RF", "R1"), line(op, "RF", "RD", "RF"), move("R0", "RD"), move("R1", "RF"), "RET"]
    case.func(name("high_ac"), 2, 2, high, place=2)
    for pair in few:
        case.expect(name("high_ac"), pair, lambda b, c: [b, f(b, c)])

    ones = ones or list(dict.fromkeys(value for pair in few for value in pair))[:6]
    case.func(name("same_bc"), 1, 2, [line(op, "R7", "R0", "R0"), move("R1", "R7"), "RET"])
    for b in ones:
        case.expect(name("same_bc"), [b], lambda b: [b, f(b, b)])
    case.func(name("same_abc"), 1, 1, [line(op, "R0", "R0", "R0"), "RET"])
    for b in ones:
        case.expect(name("same_abc"), [b], lambda b: [f(b, b)])


def one_source(case, op, f, values, few, prefix=""):
    """Adds a ← f(b), with the same variants as `two_sources`."""
    f = masked(f)
    name = lambda n: prefix + n
    case.func(name("f"), 1, 1, [line(op, "R7", "R0"), move("R0", "R7"), "RET"])
    for b in values:
        case.expect(name("f"), [b], lambda b: [f(b)])
    high = [move("RE", "R0"), line(op, "RB", "RE"), move("R0", "RB"), move("R1", "RE"), "RET"]
    case.func(name("high"), 1, 2, high, place=1)
    for b in few:
        case.expect(name("high"), [b], lambda b: [f(b), b])
    case.func(name("same"), 1, 1, [line(op, "R0", "R0"), "RET"])
    for b in few:
        case.expect(name("same"), [b], lambda b: [f(b)])


def constants(case, op, f, values, others):
    """Adds a ← f(b, c) in which b or c is visibly constant for a compiler."""
    f = masked(f)
    for i, value in enumerate(values):
        name = f"constant_{i}"
        case.func(f"{name}_c", 1, 1, [f"MOVI      R9, {show(value)}", line(op, "R0", "R0", "R9"), "RET"], place=1)
        for other in others:
            case.expect(f"{name}_c", [other], lambda b: [f(b, value)])
        case.func(f"{name}_b", 1, 1, [f"MOVI      RA, {show(value)}", line(op, "R0", "RA", "R0"), "RET"], place=1)
        for other in others[:2]:
            case.expect(f"{name}_b", [other], lambda c: [f(value, c)])


def dead(case, op, f, pairs):
    """Adds a ← f(b, c) with a dead a: it has to trap nevertheless."""
    case.func("dead", 2, 1, [line(op, "R7", "R0", "R1"), move("R0", "R1"), "RET"])
    for pair in pairs:
        case.expect("dead", pair, lambda b, c: [f(b, c), c][1:])


def with_immediate(case, op, f, immediates, values, few):
    """Adds a ← f(b, imm), a function for each immediate."""
    f = masked(f)
    for imm in immediates:
        name = f"imm_{imm}" if imm >= 0 else f"imm_minus_{-imm}"
        case.func(name, 1, 1, [line(op, "R7", "R0", str(imm)), move("R0", "R7"), "RET"])
        for b in values(imm) if callable(values) else values:
            case.expect(name, [b], lambda b: [f(b, imm)])
        case.func(name + "_same", 1, 1, [line(op, "R0", "R0", str(imm)), "RET"])
        for b in few[:2]:
            case.expect(name + "_same", [b], lambda b: [f(b, imm)])
        high = [move("RD", "R0"), line(op, "RF", "RD", str(imm)), move("R0", "RF"), move("R1", "RD"), "RET"]
        case.func(name + "_high", 1, 2, high)
        for b in few[2:3]:
            case.expect(name + "_high", [b], lambda b: [f(b, imm), b])


def decides(case, op, f, pairs):
    """Adds a comparison and a branch that tests its result, which an engine may fuse."""
    for branch, taken in (("JZ", 0), ("JNZ", 1)):
        name = "then_" + branch.lower()
        body = [line(op, "R7", "R0", "R1"), f"{branch:<9} R7, taken", f"MOVI      R0, {1 - taken}", "RET"]
        case.func(name, 2, 1, [*body, "taken:", f"MOVI      R0, {taken}", "RET"])
        for pair in pairs:
            case.expect(name, pair, lambda b, c: [f(b, c)])
