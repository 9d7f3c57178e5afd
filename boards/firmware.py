"""The boards, and how their firmware is built."""

import collections
import pathlib
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parent

# crate and its target; QEMU's machine; the chip's name at probe-rs; flash and RAM in bytes.
Board = collections.namedtuple("Board", "crate target machine chip flash ram")

BOARDS = {
    "microbit": Board("microbit", "thumbv6m-none-eabi", "microbit", "nRF51822_xxAA", 256 * 1024, 16 * 1024),
}


def build(board, qemu, sql=False):
    """Builds a board's firmware, for the emulator or the real thing, with tables or without; returns the ELF file."""
    features = ["qemu"] * qemu + ["sql"] * sql
    command = [str(FOLDER / "toolchain"), board.target, "cargo", "build", "--release", "--quiet", "-p", board.crate,
               "--features", ",".join(features)]
    subprocess.run(command, cwd=FOLDER, check=True)
    return FOLDER / "target" / board.target / "release" / board.crate
