"""Inputs of examples: a sound with three tones, and snapshots of sixteen antennas.

Samples are rounded from mpmath, so that the files are the same everywhere.
"""

import mpmath

from . import bytesil
from .case import Random

RATE = 8000
FRAMES = 12
# Frequency in Hz, amplitude of full scale: 440 Hz is 14.08 periods per frame of 256 samples.
TONES = [(440, 0.3), (1000, 0.3), (2500, 0.3)]
NOISE = 0.01

SNAPSHOTS = 64
# Direction in sixteenths, amplitude.
WAVES = [(5, 1.0), (11, 0.3)]


def sound():
    """Returns a WAV file with three tones."""
    random = Random("sound")
    samples = bytearray()
    for n in range(256 * FRAMES):
        value = sum(a * mpmath.sin(2 * mpmath.pi * f * n / RATE) for f, a in TONES)
        value += NOISE * (random.below(2001) - 1000) / 1000
        samples += int(mpmath.nint(value * 32767)).to_bytes(2, "little", signed=True)
    fields = [(16, 4), (1, 2), (1, 2), (RATE, 4), (2 * RATE, 4), (2, 2), (16, 2)]
    form = b"".join(value.to_bytes(size, "little") for value, size in fields)
    data = b"data" + len(samples).to_bytes(4, "little") + samples
    body = b"WAVEfmt " + form + data
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def snapshots():
    """Returns samples of sixteen antennas that receive two waves and noise, as ByteSil numbers."""
    random = Random("snapshots")
    out = bytearray()
    for _ in range(SNAPSHOTS):
        phases = [random.below(1 << 20) / mpmath.mpf(1 << 20) for _ in WAVES]
        for antenna in range(16):
            z = mpmath.mpc(0)
            for (direction, amplitude), phase in zip(WAVES, phases):
                z += amplitude * mpmath.expjpi(2 * phase + mpmath.mpf(direction * antenna) / 8)
            noise = [(random.below(2001) - 1000) / mpmath.mpf(5000) for _ in range(2)]
            out.append(bytesil.nearest(z + mpmath.mpc(*noise)))
    return bytes(out)


def write(folder):
    (folder / "tones.wav").write_bytes(sound())
    (folder / "beams.bin").write_bytes(snapshots())
