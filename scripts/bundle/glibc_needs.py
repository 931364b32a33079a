#!/usr/bin/env python3
"""Lets ELF files run on an older glibc than that which they were linked against, and says which one they need.

Usage: glibc_needs.py --most 2.34 --stand-in libpillar_glibc.so FILE...

A file lists the versions of glibc's symbols that it wants (.gnu.version_r), and the dynamic linker refuses a file with one
that glibc does not have. An entry above --most is written over with the first version that glibc had on x86-64, GLIBC_2.2.5.
A symbol of it is then looked for under that: glibc still has it from before, or else it is the stand-in's, which has no
versions of its own and so takes part in a search for any. Where a symbol is neither, it is named with its file, which is
left as it was, and the exit status is 1. Prints the newest version that is still required.
"""
import argparse
import pathlib
import struct
import sys

SHT_DYNSYM, SHT_VERNEED, SHT_VERSYM = 11, 0x6FFFFFFE, 0x6FFFFFFF
FIRST = "GLIBC_2.2.5"
# What a newer version only took an error handler of System V from (matherr): glibc has it under FIRST as well, and the values
# are the same.
ALSO_UNDER_FIRST = {"hypot", "hypotf"}
HIDDEN = 0x8000  # bit of an entry of .gnu.version that is not part of its number


class Elf:
    """Sections of a 64-bit little-endian ELF file; `data` can be written to."""

    def __init__(self, path):
        self.path = path
        self.data = bytearray(path.read_bytes())
        if self.data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"glibc_needs: {path}: no 64-bit little-endian ELF file")
        (offset,) = struct.unpack_from("<Q", self.data, 40)
        size, count = struct.unpack_from("<HH", self.data, 58)
        # Of a section's header: type, offset in the file, size, number of the section with its strings.
        self.sections = [(h[1], h[4], h[5], h[6]) for h in (struct.unpack_from("<IIQQQQI", self.data, offset + i * size) for i in range(count))]

    def section(self, kind):
        return next((s for s in self.sections if s[0] == kind), None)

    def text(self, table, at):
        begin = self.sections[table][1] + at
        return self.data[begin:self.data.index(0, begin)].decode()

    def symbols(self):
        """(name, is defined here, number of its version) of each dynamic symbol."""
        table, versions = self.section(SHT_DYNSYM), self.section(SHT_VERSYM)
        for i in range(table[2] // 24 if table else 0):
            name, _, _, section = struct.unpack_from("<IBBH", self.data, table[1] + i * 24)
            number = struct.unpack_from("<H", self.data, versions[1] + 2 * i)[0] & ~HIDDEN if versions else 1
            yield self.text(table[3], name), section != 0, number

    def wanted_versions(self):
        """(name, number, offset of the entry) of each version that this file wants of others. An entry is five fields of
        <IHHII: hash of the name, flags, number, place of the name in the strings, step to the next entry."""
        section = self.section(SHT_VERNEED)
        at = section[1] if section else None
        while at is not None:
            _, count, _, first, following = struct.unpack_from("<HHIII", self.data, at)
            entry = at + first
            for _ in range(count):
                _, _, number, name, step = struct.unpack_from("<IHHII", self.data, entry)
                yield self.text(section[3], name), number & ~HIDDEN, entry
                entry += step
            at = at + following if following else None


def glibc_version(name):
    """(2, 34) of GLIBC_2.34; None of others' versions and of GLIBC_PRIVATE."""
    parts = name.removeprefix("GLIBC_").split(".")
    return tuple(map(int, parts)) if name.startswith("GLIBC_") and all(p.isdigit() for p in parts) else None


def lower(elf, most, supplied):
    """Writes FIRST over what is newer than `most`. Returns the newest version still required, and what cannot be lowered."""
    wanted = [(glibc_version(name), number, entry) for name, number, entry in elf.wanted_versions() if glibc_version(name)]
    newer = [(number, entry) for version, number, entry in wanted if version > most]
    required = max((version for version, _, _ in wanted if version <= most), default=(0,))
    numbers = {number for number, _ in newer}
    faults = [f"{elf.path}: {symbol}" for symbol, defined, number in elf.symbols()
              if number in numbers and not defined and symbol not in supplied | ALSO_UNDER_FIRST]
    first = next((entry for version, _, entry in wanted if version == glibc_version(FIRST)), None)
    if newer and first is None:
        faults.append(f"{elf.path}: wants nothing of {FIRST}, so that its name does not stand in the file")
    if newer and not faults:
        hash_of_name, _, _, name, _ = struct.unpack_from("<IHHII", elf.data, first)
        for _, entry in newer:
            struct.pack_into("<I", elf.data, entry, hash_of_name)
            struct.pack_into("<I", elf.data, entry + 8, name)
        elf.path.write_bytes(elf.data)
    return required, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", required=True, help="newest version of glibc that may be needed")
    parser.add_argument("--stand-in", required=True, type=pathlib.Path, help="library that supplies what is newer")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    args = parser.parse_args()
    most = tuple(map(int, args.most.split(".")))
    supplied = {name for name, defined, _ in Elf(args.stand_in).symbols() if defined}
    required, faults = (0,), []
    for path in args.files:
        needs, lacking = lower(Elf(path), most, supplied)
        required = max(required, needs)
        faults += lacking
    if faults:
        print(*faults, sep="\n", file=sys.stderr)
        sys.exit(f"glibc_needs: these are newer than glibc {args.most}: scripts/bundle/older_glibc.c should supply them")
    print(".".join(map(str, required)))


if __name__ == "__main__":
    main()
