"""Case files: functions and steps, in the order in which they are added.

Values are represented as in a register, as integers from 0 to 2^64 - 1. `Bits` marks those that are binary64, so
that they are written with all their digits.
"""

M64 = (1 << 64) - 1
M32 = (1 << 32) - 1
MIN = 1 << 63
MAX = MIN - 1


def s64(x):
    """Returns the low 64 bits of x as a signed number."""
    x &= M64
    return x - (1 << 64) if x >> 63 else x


def s32(x):
    """Returns the low 32 bits of x as a signed number."""
    x &= M32
    return x - (1 << 32) if x >> 31 else x


class Bits(int):
    """The bits of a binary64."""


class Near(Bits):
    """The bits of a binary64 result with a tolerance of two units in the last place."""


class Trap(Exception):
    """The trap of an operation; the argument is its kind."""


class Random:
    """The generator SplitMix64, with which values do not depend on the version of Python."""

    def __init__(self, seed):
        self.state = int.from_bytes(seed.encode()[-8:], "little")

    def bits(self, n=64):
        self.state = (self.state + 0x9E3779B97F4A7C15) & M64
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & M64
        z = (z ^ z >> 27) * 0x94D049BB133111EB & M64
        return (z ^ z >> 31) >> (64 - n)

    def below(self, n):
        return self.bits() * n >> 64

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def pick(self, items):
        return items[self.below(len(items))]

    def wide(self):
        """Returns a 64-bit number of random length, negative in half of the cases."""
        x = self.bits(self.between(1, 64))
        return x if self.bits(1) else -x & M64


def show(value):
    """Formats a value for a step or an operand."""
    if isinstance(value, Bits):
        return f"0x{value:016x}" + (" ~ 2" if isinstance(value, Near) else "")
    signed = s64(value)
    return str(signed) if abs(signed) < 1_000_000 else f"0x{value & M64:x}"


class Case:
    """The text of one case file."""

    def __init__(self, name, title, head=()):
        self.name = name
        self.calls = 0
        self.words = {}
        self.results = {}
        self.lines = [f"; {title}.", "; Made by snapshots/generate.py; do not edit.", *head]

    def section(self, text):
        """Adds a comment above the next lines."""
        self.lines += ["", f"; {text}"]

    def func(self, name, params, results, body, locals_=0, place=0):
        """Adds an exported function. Every line of `body` is one word; labels have lines of their own.

        `place` is the word at which calls of it trap.
        """
        self.words[name] = place
        self.results[name] = results
        self.lines += ["", f".export {name}", f".func {name} ({params}) -> {results}"]
        if locals_:
            self.lines.append(f"    .locals {locals_}")
        self.lines += [line if line.endswith(":") else "    " + line for line in body]
        self.lines.append(".end")

    def step(self, text):
        self.lines.append(";! " + text)

    def call(self, name, args, results):
        """Adds a call that returns."""
        assert len(results) == self.results[name], (self.name, name)
        out = ", ".join(map(show, results)) if results else "()"
        self.step(f"call {name}({', '.join(map(show, args))}) = {out}")
        self.calls += 1

    def trap(self, name, args, kind, place=None):
        """Adds a call that traps."""
        place = self.words[name] if place is None else place
        self.step(f"call {name}({', '.join(map(show, args))}) traps {kind} at {name}:{place}")
        self.calls += 1

    def expect(self, name, args, function):
        """Adds a call with the outcome of `function`: a list of results, or Trap."""
        try:
            self.call(name, args, function(*args))
        except Trap as trap:
            self.trap(name, args, trap.args[0])

    def bytes(self, memory, start, end):
        """Adds a comparison of a part of the memory."""
        start, end = max(start, 0), min(end, len(memory))
        self.step(f"bytes 0x{start:x} = {memory[start:end].hex(' ')}")

    def text(self):
        return "\n".join(self.lines) + "\n"


def data(name, address, values, kind="u8", per_line=16):
    """Returns the lines of a data segment."""
    width = 2 * int(kind[1:]) // 8
    rows = [values[i : i + per_line] for i in range(0, len(values), per_line)]
    texts = [", ".join(f"0x{v:0{width}x}" for v in row) for row in rows]
    return [f".data {name} @ {address} {kind} {texts[0]}"] + [f"    .{kind} {text}" for text in texts[1:]]
