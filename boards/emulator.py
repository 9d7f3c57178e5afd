"""QEMU as a board: its serial line at a TCP address or a pty, its reset button, its end. Talks QMP on QEMU's own pipes."""

import json
import os
import select
import shutil
import subprocess
import time

QEMU = "qemu-system-arm"


class Emulator:
    """A machine that runs the program `elf`. `address` is what host.Board takes."""

    def __init__(self, machine, elf, serial="tcp:127.0.0.1:0,server=on,wait=off"):
        if not shutil.which(QEMU):
            raise RuntimeError("%s is missing (Debian: apt-get install qemu-system-arm)" % QEMU)
        self.events = []
        self.pending = b""
        self.process = subprocess.Popen(
            [QEMU, "-M", machine, "-display", "none", "-monitor", "none", "-qmp", "stdio", "-serial", serial,
             "-semihosting-config", "enable=on,target=native", "-kernel", str(elf)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self._message()  # the greeting
            self.command("qmp_capabilities")
            self.address = self._address()
        except BaseException:
            self.stop()
            raise

    def _message(self, timeout=20):
        end = time.monotonic() + timeout
        while True:
            line, newline, rest = self.pending.partition(b"\n")
            if newline:
                self.pending = rest
                if line.startswith(b"{"):  # QEMU tells people about a pty on the same pipe
                    return json.loads(line)
                continue
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                raise RuntimeError("QEMU %s" % ("has ended" if ready else "does not answer"))
            self.pending += data

    def command(self, name, **arguments):
        """Sends a QMP command, returns what it returned; events that come before it are kept."""
        self.process.stdin.write(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        self.process.stdin.flush()
        while True:
            message = self._message()
            if "return" in message:
                return message["return"]
            if "error" in message:
                raise RuntimeError("QEMU: %s" % message["error"]["desc"])
            self.events.append(message["event"])

    def _address(self):
        """The TCP port that QEMU took, or the pty."""
        for device in self.command("query-chardev"):
            kind, _, rest = device["filename"].replace("disconnected:", "", 1).partition(":")
            if kind == "pty":
                return rest
            if kind == "tcp":
                return rest.partition(",")[0]
        raise RuntimeError("QEMU has no serial line")

    def reset(self):
        """Presses the reset button: RAM and registers start afresh, flash stays."""
        self.command("system_reset")
        while "RESET" not in self.events:
            self.events.append(self._message()["event"])
        self.events.remove("RESET")

    def memory(self, address, size, path):
        """Writes what the processor sees at `address` to a file."""
        self.command("memsave", **{"val": address, "size": size, "filename": str(path), "cpu-index": 0})

    def wait(self):
        """Waits for QEMU's end; its exit code."""
        return self.process.wait()

    def stop(self):
        """Ends QEMU."""
        try:
            self.command("quit")
            self.process.wait(10)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
