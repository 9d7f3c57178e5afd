"""Reads what the size scripts need from a 32-bit little-endian ELF file: sections and symbols. No tool needed."""

import struct


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x01\x01":
            raise ValueError("%s is no 32-bit little-endian ELF file" % path)
        offset, = struct.unpack_from("<I", self.data, 32)
        size, count, names = struct.unpack_from("<HHH", self.data, 46)
        headers = [struct.unpack_from("<10I", self.data, offset + i * size) for i in range(count)]
        self.sections = []  # (name, kind, flags, address, offset, size, link)
        for header in headers:
            name = self._string(headers[names][4] + header[0])
            self.sections.append((name,) + header[1:7])

    def _string(self, at):
        return self.data[at:self.data.index(b"\0", at)].decode()

    def section(self, name):
        """(address, size) of a section; (0, 0) if there is none."""
        for section in self.sections:
            if section[0] == name:
                return section[3], section[5]
        return 0, 0

    def size(self, *names):
        return sum(self.section(name)[1] for name in names)

    def code(self):
        """Bytes of flash that the program takes: vectors, code, constants and the initial values of variables."""
        return self.size(".vector_table", ".text", ".rodata", ".data")

    def ram(self):
        """Bytes of RAM that are taken for the whole run."""
        return self.size(".data", ".bss", ".uninit")

    def symbols(self):
        """(size, name, address) of each named piece of code or data, largest first."""
        found = []
        for _, kind, _, _, offset, size, link in self.sections:
            if kind != 2:  # SHT_SYMTAB
                continue
            strings = self.sections[link][4]
            for at in range(offset, offset + size, 16):
                name, value, length, info, _, _ = struct.unpack_from("<IIIBBH", self.data, at)
                if info & 15 <= 2:  # no type, data, function; not sections and files
                    found.append((length, self._string(strings + name), value))
        return sorted(found, reverse=True)
