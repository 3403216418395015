"""Cases of states of 16 ByteSil numbers: classes Bx and Fx.

The results of single layers come from bytesil.py."""

from . import bytesil
from .case import Case, M64, Random, data
from .shapes import line, move

# States in memory, one after the other; their number is what functions take.
COUNT = 20
AT = 64
OUT = AT + 16 * COUNT

random = Random("states")
STATES = [
    [bytesil.NULL] * 16,
    [bytesil.ONE] * 16,
    list(range(16)),
    list(range(0x80, 0x90)),
    [16 * layer + 15 - layer for layer in range(16)],
    [0x08, 0x00] * 8,
] + [[random.below(256) for _ in range(16)] for _ in range(COUNT - 8)]
# Numbers of the same ρ and of the next one.
STATES += [[0x70 | random.below(16) for _ in range(16)], [0x60 | random.below(32) for _ in range(16)]]
PAIRS = [(b, c) for b in range(6) for c in range(6)] + [(i, (i * 7 + 5) % COUNT) for i in range(COUNT)]
PAIRS += [(COUNT - 2, COUNT - 1), (COUNT - 1, COUNT - 2), (COUNT - 1, COUNT - 1)]


def halves(layers):
    """Returns layers 0–7 and 8–15 as integers, the lowest layer in the low byte."""
    return [int.from_bytes(bytes(layers[start : start + 8]), "little") for start in (0, 8)]


def each(f):
    return lambda *states: [f(*layers) for layers in zip(*states)]


def total(layers):
    """Returns the sum of all layers, adding halves until one layer is left."""
    if len(layers) == 1:
        return layers[0]
    half = len(layers) // 2
    return total([bytesil.add(b, c) for b, c in zip(layers[:half], layers[half:])])


def fold(layers):
    result = 0
    for number in layers:
        result ^= number
    return result


def rotated(layers, n):
    return [layers[(layer - n) % 16] for layer in range(16)]


BINARY = {
    "SADD": each(bytesil.add),
    "SSUB": each(bytesil.sub),
    "SMUL": each(bytesil.mul),
    "SDIV": each(bytesil.div),
    "SXOR": each(lambda b, c: b ^ c),
    "SAND": each(lambda b, c: b & c),
    "SOR": each(lambda b, c: b | c),
}
UNARY = {
    "SMOV": each(lambda b: b),
    "SNOT": each(lambda b: 255 - b),
    "SCONJ": each(bytesil.conj),
    "SINV": each(bytesil.inv),
}
REDUCTIONS = {"SSUM": total, "SFOLD": fold}


def new_case(name, title):
    case = Case(name, f"{name}: {title}")
    everything = [number for state in STATES for number in state]
    case.lines += [f".memory {OUT + 64}", *data("states", AT, everything)]
    return case


def load(register, source):
    """Returns the instruction that loads a state register from the state whose number is in `source`."""
    return line("SLOADX", register, f"[R9 + {source}*16 + {AT}]")


def give(register):
    """Returns the instructions that return a state register as two results."""
    return [f"SSTORE [R9 + {OUT}], {register}", f"LOAD R0, [R9 + {OUT}]", f"LOAD R1, [R9 + {OUT + 8}]", "RET"]


def binary(name, f):
    case = new_case(name, "in all layers; other registers, and the same one twice")
    for label, (a, b, c) in {"f": "712", "high": "CEB", "ab": "112", "ac": "212"}.items():
        case.func(label, 2, 2, [load(f"S{b}", "R0"), load(f"S{c}", "R1"), line(name, f"S{a}", f"S{b}", f"S{c}"), *give(f"S{a}")])
        for x, y in PAIRS if label == "f" else PAIRS[::5]:
            case.call(label, [x, y], halves(f(STATES[x], STATES[y])))
    case.func("same", 1, 2, [load("S3", "R0"), line(name, "S3", "S3", "S3"), *give("S3")])
    for x in range(COUNT):
        case.call("same", [x], halves(f(STATES[x], STATES[x])))
    return case


def unary(name, f, title="in all layers"):
    case = new_case(name, title)
    for label, (a, b) in {"f": "71", "high": "FA", "same": "33"}.items():
        case.func(label, 1, 2, [load(f"S{b}", "R0"), line(name, f"S{a}", f"S{b}"), *give(f"S{a}")])
        for x in range(COUNT):
            case.call(label, [x], halves(f(STATES[x])))
    return case


def reduction(name, f):
    case = new_case(name, "of all layers; zero-extended")
    for label, (a, b) in {"f": "71", "high": "FF"}.items():
        case.func(label, 1, 1, [load(f"S{b}", "R0"), line(name, f"R{a}", f"S{b}"), move("R0", f"R{a}"), "RET"])
        for x in range(COUNT):
            case.call(label, [x], [f(STATES[x])])
    return case


def splat():
    case = new_case("SSPLAT", "the low byte in all layers")
    case.func("f", 1, 2, [line("SSPLAT", "SB", "R0"), *give("SB")])
    for number in [0, 1, 0x80, 0xFF, bytesil.DIRT | 0x5A, M64, 256]:
        case.call("f", [number], halves([number & 255] * 16))
    return case


def layers_case(name):
    """Returns the case of SGET or SSET, with every layer."""
    case = new_case(name, "every layer" + ("; zero-extended" if name == "SGET" else "; the others stay"))
    for layer in range(16):
        label = f"f{layer}"
        if name == "SGET":
            case.func(label, 1, 1, [load("S1", "R0"), line(name, "R7", "S1", str(layer)), move("R0", "R7"), "RET"])
            for x in range(2, COUNT, 3):
                case.call(label, [x], [STATES[x][layer]])
        else:
            case.func(label, 2, 2, [load("S1", "R0"), line(name, "S1", "R1", str(layer)), *give("S1")])
            for x in range(2, COUNT, 3):
                changed = [0xA5 if index == layer else number for index, number in enumerate(STATES[x])]
                case.call(label, [x, bytesil.DIRT | 0xA5], halves(changed))
    return case


def rotation():
    case = new_case("SROTL", "layer i moves to layer i + n")
    for n in range(16):
        case.func(f"f{n}", 1, 2, [load("S1", "R0"), line("SROTL", "S2", "S1", str(n)), *give("S2")])
        for x in (2, 4, 9):
            case.call(f"f{n}", [x], halves(rotated(STATES[x], n)))
    return case


def memory_case(name):
    """Returns the case of a load or store at both ends of the memory, beyond them, and unaligned."""
    indexed, store = name.endswith("X"), "STORE" in name
    size = OUT + 64
    case = new_case(name, "16 bytes at any alignment, at both ends of the memory and beyond them")
    flat = [0] * AT + [number for state in STATES for number in state] + [0] * (size - AT - 16 * COUNT)
    for displacement in (0, 1, -16, 33):
        label = f"plus_{displacement}".replace("-", "minus_")
        sign = f" {'-' if displacement < 0 else '+'} {abs(displacement)}" if displacement else ""
        operand = f"[R0{' + R1*16' if indexed else ''}{sign}]"
        if store:
            # What is stored is what was there.
            body = [f"SLOAD S4, [R2 + {AT + 16 * 9}]", line(name, operand, "S4"), "RET"]
        else:
            body = [line(name, "S4", operand), *give("S4")]
        case.func(label, 2, 0 if store else 2, body, place=1 if store else 0)
        for index in (0, 1, 3, M64) if indexed else (0,):
            for target in (0, 1, 63, AT, AT + 5, size - 16, size - 15, size - 1, size, M64, M64 - 14, 1 << 63):
                base = (target - displacement - 16 * index) & M64
                args = [base, index]
                if target > size - 16:
                    case.trap(label, args, "MemoryOutOfBounds")
                elif store:
                    case.call(label, args, [])
                    changed = list(flat)
                    changed[target : target + 16] = STATES[9]
                    case.bytes(bytes(changed), target - 4, target + 20)
                    case.step("new")
                else:
                    case.call(label, args, halves(flat[target : target + 16]))
    return case


def cases():
    for name, f in BINARY.items():
        yield binary(name, f)
    for name, f in UNARY.items():
        yield unary(name, f)
    for name, f in REDUCTIONS.items():
        yield reduction(name, f)
    yield splat()
    yield layers_case("SGET")
    yield layers_case("SSET")
    yield rotation()
    for name in ("SLOAD", "SSTORE", "SLOADX", "SSTOREX"):
        yield memory_case(name)
