#!/usr/bin/env python3
"""Computes the answers of the kernels in Python, with library functions where there are any: hashlib, zlib, sorted."""

import hashlib
import math
import struct
import zlib

MASK = 2**64 - 1


def random(count):
    x = 0x9E3779B97F4A7C15
    numbers = []
    for _ in range(count):
        x ^= x << 13 & MASK
        x ^= x >> 7
        x ^= x << 17 & MASK
        numbers.append(x)
    return numbers


def random_bytes(count):
    return struct.pack(f"<{count // 8}Q", *random(count // 8))


def bits(number):
    return struct.unpack("<Q", struct.pack("<d", number))[0]


def sum_loop(n):
    x = 0
    for i in range(n, 0, -1):
        x = (x ^ i) * 6364136223846793005 & MASK
    return x


def fib(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def sieve(n):
    prime = bytearray([1]) * n
    prime[:2] = bytes(2)
    for i in range(2, math.isqrt(n) + 1):
        if prime[i]:
            prime[i * i::i] = bytes(len(prime[i * i::i]))
    return sum(prime)


def product(numbers, word):
    a = [numbers[i * 128:(i + 1) * 128] for i in range(128)]
    b = [numbers[128 * 128 + j:: 128] for j in range(128)]
    check = 0
    for row in a:
        for column in b:
            total = 0
            for k in range(127, -1, -1):
                total += row[k] * column[k]
            check = (check << 1 & MASK | check >> 63) ^ word(total)
    return check


def matmul(_):
    return product(random(2 * 128 * 128), lambda total: total & MASK)


def matmulf(_):
    return product([(x >> 11) / 2**53 for x in random(2 * 128 * 128)], bits)


def mandelbrot(n):
    step = 2.5 / n
    total = 0
    for row in range(n):
        for column in range(n):
            re, im = column * step - 2.0, row * step - 1.25
            x = y = 0.0
            for i in range(256):
                x, y = x * x - y * y + re, 2.0 * (x * y) + im
                if x * x + y * y > 4.0:
                    break
                total += 1
    return total


def fnv1a(n):
    value = 0xCBF29CE484222325
    for byte in random_bytes(n):
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def sha256(n):
    a, b, c, d = struct.unpack(">4Q", hashlib.sha256(random_bytes(n)).digest())
    return a ^ b ^ c ^ d


def crc32(n):
    return zlib.crc32(random_bytes(n))


def sort(n):
    check = 0
    for number in sorted(random(n)):
        check = (check ^ number) * 0x100000001B3 & MASK
    return check


def nbody(n):
    bodies = [
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], 39.5],
        [[4.84, -1.16, -0.104], [0.606, 2.81, -0.0252], 0.0377],
        [[8.34, 4.12, -0.404], [-1.01, 1.83, 0.00842], 0.0113],
        [[12.9, -15.1, -0.223], [1.08, 0.869, -0.0108], 0.00172],
        [[15.4, -25.9, 0.179], [0.979, 0.594, -0.0348], 0.00203],
    ]
    pairs = [(bodies[i], bodies[j]) for i in range(5) for j in range(i + 1, 5)]
    for _ in range(n):
        for (p, v, m), (q, w, k) in pairs:
            dx, dy, dz = p[0] - q[0], p[1] - q[1], p[2] - q[2]
            square = dx * dx + dy * dy + dz * dz
            pull = 0.01 / (square * math.sqrt(square))
            other, own = k * pull, m * pull
            v[0] -= dx * other
            v[1] -= dy * other
            v[2] -= dz * other
            w[0] += dx * own
            w[1] += dy * own
            w[2] += dz * own
        for p, v, _ in bodies:
            for axis in range(3):
                p[axis] += 0.01 * v[axis]
    energy = 0.0
    for i, (p, v, m) in enumerate(bodies):
        energy += 0.5 * m * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
        for q, _, k in bodies[i + 1:]:
            dx, dy, dz = p[0] - q[0], p[1] - q[1], p[2] - q[2]
            energy -= m * k / math.sqrt(dx * dx + dy * dy + dz * dz)
    return bits(energy)


if __name__ == "__main__":
    for kernel, n in [
        (sum_loop, 4_000_000), (fib, 30), (sieve, 1 << 20), (matmul, 128), (matmulf, 128), (mandelbrot, 160),
        (fnv1a, 1 << 20), (sha256, 1 << 16), (crc32, 1 << 20), (sort, 100_000), (nbody, 40_000),
    ]:
        print(f"{kernel.__name__:10} {n:8} {kernel(n):#018x}")
