#!/usr/bin/env python3
"""Holds the C++ of the documents to the examples, which tests/install builds and runs.

Every block that begins with ```cpp in README.md, docs/cpp.md and docs/extending.md must stand in one of examples/*.cc, but for
white space. Usage: docs_code_test.py SOURCE_DIR
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])


def without_space(text):
    return re.sub(r"\s+", "", text)


examples = [without_space(file.read_text()) for file in sorted((root / "examples").glob("*.cc"))]
blocks = bad = 0
for name in ("README.md", "docs/cpp.md", "docs/extending.md"):
    text = (root / name).read_text()
    for block in re.finditer(r"^```cpp\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        blocks += 1
        if not any(without_space(block[1]) in example for example in examples):
            bad += 1
            line = text.count("\n", 0, block.start()) + 1
            print(f"{name}:{line}: this code stands in none of examples/*.cc", file=sys.stderr)
if blocks < 10:
    sys.exit(f"found {blocks} blocks of C++; the documents had more")
sys.exit(1 if bad else 0)
