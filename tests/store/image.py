"""Reads the flash image of a store: everything here stands in src/dbm/FORMAT.md, version 1, and nothing else was used.

    python3 image.py IMAGE SECTOR WORD         one line a key: the key and its value, in hexadecimal
    python3 image.py IMAGE SECTOR WORD shelf   opens the store as a shelve.Shelf, and prints it as a dict

`read(image, sector, word)` gives a dict of bytes to bytes, in the order of the keys.
"""

import binascii
import sys

HEADER, FOOTER, NO_BATCH = 8, 20, 0xFFFF
VALUE, DELETED, COMMIT, PART, LONG, DELETED_BEFORE = 112, 113, 114, 115, 116, 117


def number(data):
    return int.from_bytes(data, "little")


def bits_for(count):
    """The least number of bits that hold 0 to count - 1."""
    return max(count - 1, 0).bit_length()


def crc16(data):
    """The CRC-16 of X.25."""
    state = 0xFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x8408 if state & 1 else 0)
    return state ^ 0xFFFF


class Record:
    def __init__(self, at, tag, key, value, end):
        self.at, self.kind, self.pending = at, tag & 0x7F, bool(tag & 0x80)
        self.key, self.value, self.end = key, value, end


class Store:
    """The geometry of a store, found by the headers: checks of 32 bits or of 16."""

    def __init__(self, image, sector, word):
        self.image, self.word = image, word
        parts = -(-sector // 4096)
        while sector % parts or sector // parts % word:
            parts += 1
        self.per_sector, self.page = parts, sector // parts
        self.count = len(image) // sector * parts
        for self.compact in (False, True):
            pages = [Page(self, i) for i in range(self.count)]
            self.log = sorted((p for p in pages if p.sequence is not None), key=lambda p: p.sequence)
            if any(page.headed for page in pages):
                return
        raise ValueError("no store of this geometry")

    def align(self, n):
        return -(-n // self.word) * self.word

    def header(self, sequence):
        """The check of a header: over the seed and the sequence number."""
        seed = b"lard\1" + bytes([self.compact, self.word]) + self.page.to_bytes(3, "little") + bytes([self.per_sector])
        return binascii.crc32(seed + sequence)

    def check(self, data):
        """The check of a record, as it stands in the flash."""
        if self.compact:
            return crc16(data).to_bytes(2, "little")
        return binascii.crc32(data).to_bytes(4, "little")


class Page:
    """A page: its sequence number (none for a page that is not of the log), its seal and its records."""

    def __init__(self, store, index):
        self.store, self.index = store, index
        self.data = store.image[index * store.page :][: store.page]
        sequence = self.data[:4]
        self.headed = store.header(sequence) == number(self.data[4:8])
        self.sequence = int.from_bytes(sequence, "big") if self.headed else None
        self.sealed = self.read_seal()
        if self.sealed and self.sequence is None:
            self.sequence = number(self.data[-FOOTER + 8 :][:4])
        self.records = list(self.walk())

    def read_seal(self):
        """Reads footer and index; whether both checks are right."""
        store, data = self.store, self.data
        size, foot = len(data), data[-FOOTER:]
        entries = foot[0]
        rank_bits, offset_bits = bits_for(entries), bits_for(-(-size // store.word))
        small = entries <= 24
        finger_bits = 5 if small else min(max(bits_for(store.count) + 1, 5), 10, 21 - offset_bits)
        hashes = -(-entries * (rank_bits + finger_bits) // 8)
        hash_at = size - FOOTER - (0 if small else 4) - hashes
        offsets_at = hash_at - -(-entries * offset_bits // 8)
        if offsets_at < HEADER or binascii.crc32(data[hash_at:-4]) != number(foot[16:20]):
            return False
        self.batch_from = number(foot[2:4])
        start = offsets_at // store.word * store.word
        fate = (start - store.align(4), start) if self.batch_from != NO_BATCH else (start, start)
        if binascii.crc32(data[: fate[0]] + data[fate[1] : hash_at]) != number(foot[12:16]):
            return False
        self.committed = set(data[fate[0] : fate[1]]) != {0xFF}
        return True

    def walk(self):
        """The records from the header on, up to the first that is blank or wrong."""
        store, data, at = self.store, self.data, self.store.align(HEADER)
        width = 2 if store.compact else 4
        while at + 2 <= len(data):
            tag, key = data[at], data[at + 1]
            kind, head, value = tag & 0x7F, 2, 0
            if kind in (VALUE, PART):
                head, value = 4, number(data[at + 2 : at + 4])
            elif kind < VALUE:
                value = kind
            elif kind == LONG:
                value = 8
            elif kind not in (DELETED, COMMIT, DELETED_BEFORE):
                return
            end = at + store.align(head + key + value + width)
            middle = at + head + key
            if end > len(data) or store.check(data[at : end - width]) != data[end - width : end]:
                return
            yield Record(at, tag, data[at + head : middle], data[middle : middle + value], end)
            at = end

    def counting(self, last):
        """The records that count: of batches, those that were committed."""
        for i, record in enumerate(self.records):
            if record.kind == COMMIT:
                continue
            if record.pending and not self.was_committed(i, last):
                continue
            yield record

    def was_committed(self, i, last):
        record = self.records[i]
        for later in self.records[i + 1 :]:
            if later.kind == COMMIT:
                # Of two bytes: the batch begins in this page.
                return len(later.key) != 2 or number(later.key) <= record.at
        if self.sealed and record.at < self.batch_from:
            return False
        return self.sealed and self.committed or self.closes(last)

    def closes(self, last):
        """Whether the newest record of the log commits a batch that began in this page or before it."""
        return last is not None and last.kind == COMMIT and len(last.key) == 6 and number(last.key[2:]) <= self.sequence


def read(image, sector, word):
    store = Store(image, sector, word)
    log = store.log
    last = log[-1].records[-1] if log[-1].records and not log[-1].sealed else None
    values, parts = {}, {}
    for page in log:
        for record in page.counting(last):
            if record.kind == PART:
                parts[record.key[:4], number(record.key[4:7])] = record.value[record.key[7] :]
            else:
                values[record.key] = record
    found = {}
    for key in sorted(values):
        record = values[key]
        if record.kind == LONG:
            name, length, value = record.value[:4], number(record.value[4:]), b""
            while len(value) < length:
                size = len(value)
                value += parts[name, size // (store.page // 4 - store.page // 64)]
                assert len(value) > size, "an empty part"
            found[key] = value
        elif record.kind not in (DELETED, DELETED_BEFORE):
            found[key] = record.value
    return found


def main(path, sector, word, form="lines"):
    with open(path, "rb") as file:
        found = read(file.read(), int(sector), int(word))
    if form == "shelf":
        import shelve

        print(dict(shelve.Shelf(found)))
        return
    for key, value in found.items():
        print(key.hex(), value.hex())


if __name__ == "__main__":
    main(*sys.argv[1:])
