#!/usr/bin/env bash
# One would guess that AssemblyScript, which takes TypeScript's syntax and the names of its library, prints a binary64
# with the digits that JavaScript prints: of the shortest decimals that read back as the number, the nearest to it.
# It always prints digits that read back, but often not the nearest (0.1 + 0.2 is 0.30000000000000007, in JavaScript
# 0.30000000000000004) and sometimes not the fewest (1e23 is 9.999999999999999e+22). Of 19,990 random numbers 5,640 are
# printed otherwise than in JavaScript, 193 of them with more characters. Whoever compares the output of a program in
# both languages sees differences that no rounding of arithmetic explains.
# Seen with assemblyscript 0.28.20 (npm) and the WebAssembly engine of Node.js (any version that runs it).
# Source: this program.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > npm.log
npm install --silent --no-fund --no-audit assemblyscript@0.28.20 >> npm.log 2>&1 || { cat npm.log; exit 1; }
cat > show.ts <<'T'
export function length(value: f64): i32 {
  return value.toString().length;
}

export function character(value: f64, index: i32): i32 {
  return value.toString().charCodeAt(index);
}
T
npx asc show.ts -o show.wasm --runtime stub
cat > show.mjs <<'M'
import { readFileSync } from "node:fs";

const imports = { env: { abort() { throw new Error("abort"); } } };
const { instance } = await WebAssembly.instantiate(readFileSync("show.wasm"), imports);
const { length, character } = instance.exports;
const shown = (value) => {
  const codes = Array.from({ length: length(value) }, (_, index) => character(value, index));
  return String.fromCharCode(...codes);
};
for (const value of [0.1 + 0.2, 1e23, 0.1, 5e-324]) console.log(String(value), shown(value));

const bits = new BigUint64Array(1);
const floats = new Float64Array(bits.buffer);
let state = 1;
const next = () => BigInt((state = (Math.imul(state, 1103515245) + 12345) >>> 0));
const counts = { numbers: 0, other: 0, longer: 0, otherValue: 0 };
for (let round = 0; round < 20000; round++) {
  bits[0] = (next() << 32n) | next();
  const value = floats[0];
  if (!Number.isFinite(value)) continue;
  counts.numbers++;
  const text = shown(value);
  if (text !== String(value)) counts.other++;
  if (text.length > String(value).length) counts.longer++;
  if (Number(text) !== value) counts.otherValue++;
}
console.log(JSON.stringify(counts));
M
echo "assemblyscript $(npx asc --version | sed 's/^Version //'), Node.js $(node --version)"
node show.mjs | tee output
diff output - <<'T' || { echo "the digits have changed"; exit 1; }
0.30000000000000004 0.30000000000000007
1e+23 9.999999999999999e+22
0.1 0.1
5e-324 5e-324
{"numbers":19990,"other":5640,"longer":193,"otherValue":0}
T
