#!/usr/bin/env python3
"""Writes the generated tests: a case file in cases/ops for every instruction that computes, moves or branches forward.

It also writes all sums of ByteSil numbers (tests/vectors/bytesil) and the input of some examples. Expected results are
computed here from the text of docs/isa.md, with exact integers and fractions, and use neither the engines nor the
floating-point unit of this computer. It needs mpmath (`pip install mpmath`) for the functions of FMATH.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True

from generate import branches, bytesil, floats, fmath, integers, memory, moves, signals, states  # noqa: E402

OPS = Path(__file__).parent / "cases" / "ops"
EXAMPLES = Path(__file__).parent.parent / "examples"
TABLES = Path(__file__).parent / "tests" / "vectors" / "bytesil"


def main():
    OPS.mkdir(parents=True, exist_ok=True)
    written = {}
    for part in (moves, memory, integers, floats, fmath, branches, bytesil, states):
        for case in part.cases():
            path = OPS / f"{case.name.lower()}.sil"
            assert path not in written, path
            path.write_text(case.text(), encoding="utf-8")
            written[path] = case.calls
    for path in OPS.glob("*.sil"):
        if path not in written:
            path.unlink()
    margin = bytesil.write_tables(TABLES)
    signals.write(EXAMPLES)
    print(f"the closest decision about a sum of ByteSil numbers was {float(margin):.2} from the limit")
    print(f"{len(written)} files, {sum(written.values())} calls")
    if "-v" in sys.argv:
        for path, calls in sorted(written.items()):
            print(f"{calls:5}  {path.name}")


if __name__ == "__main__":
    main()
