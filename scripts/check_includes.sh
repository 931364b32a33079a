#!/usr/bin/env bash
# Compiles files as they are, without the precompiled header, which hides a forgotten #include: a source with the flags of its
# own build, a header alone, as the first thing that a source of its room includes.
# Usage: scripts/check_includes.sh [--build DIR] [--jobs N] [FILE...]
#   FILE   sources and headers; default: those that differ from origin/main, or from the commit before where none does
#   DIR    a configured build; default: build/release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec python3 - "$@" <<'PY'
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser(prog="check_includes.sh")
parser.add_argument("--build", default="build/release")
parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("files", nargs="*")
arguments = parser.parse_args()


def changed_files():
    """What differs from origin/main, uncommitted changes included; from the commit before where nothing does."""
    for base in ("origin/main", "HEAD~1"):
        git = ["git", "diff", "--name-only", "--diff-filter=d", base, "--", "*.cc", "*.h"]
        found = subprocess.run(git, capture_output=True, text=True)
        if found.returncode == 0 and found.stdout:
            return found.stdout.split()
    return []


database = pathlib.Path(arguments.build) / "compile_commands.json"
if not database.exists():
    sys.exit(f"check_includes: {database}: not there; configure the build first (scripts/build.sh)")
commands = {os.path.relpath(entry["file"]): entry for entry in json.loads(database.read_text())}


def flags_of(entry):
    """The compiler and its flags, without launcher, outputs, dependency files and precompiled header."""
    words = shlex.split(entry["command"])
    words = words[next(i for i, word in enumerate(words) if re.search(r"(^|/)(c|g|clang)\+\+[-.0-9]*$", word)):]
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-c", "-MT", "-MF", "-include"):
            skip = True
        elif word not in ("-MD", "-Winvalid-pch"):
            kept.append(word)
    return kept + ["-fsyntax-only"]


def target_of(path):
    """The CMake target that a file belongs to."""
    top, room = path.parts[0], path.parts[2] if path.parts[0] == "include" else path.parts[1]
    if room == "support":
        return {"apps": "pillar_app_support", "tests": "pillar_test_support"}[top]
    targets = {"src": f"pillar_{room}", "include": f"pillar_{room}", "tests": f"{room}_tests", "apps": room, "bench": "pillar-bench"}
    return targets.get(top)


def entry_of(path):
    """The command that compiles a file, else that of a neighbour in its target (targets are compiled in batches)."""
    if str(path) in commands:
        return commands[str(path)]
    inside = f"/{target_of(path)}.dir/"
    return next((entry for entry in commands.values() if inside in entry["command"]), None)


def include_of(header):
    parts = header.parts
    return "/".join(parts[1:]) if parts[0] in ("include", "src", "tests", "apps") else str(header.resolve())


TENSOR = "ATen/core/Tensor.h"
reaches = {}


def reaches_tensor(header):
    """Whether a public header includes LibTorch's tensor, itself or by a header of ours."""
    if header not in reaches:
        reaches[header] = False  # ends a circle
        text = pathlib.Path(header).read_text()
        ours = (pathlib.Path("include") / name for name in re.findall(r'^#include "(pillar/[^"]+)"', text, re.MULTILINE))
        reaches[header] = f"<{TENSOR}>" in text or any(reaches_tensor(str(file)) for file in ours if file.exists())
    return reaches[header]


def compile_text(entry, text, more):
    words = flags_of(entry) + [*more, "-x", "c++", "-"]
    return subprocess.run(words, cwd=entry["directory"], input=text, capture_output=True, text=True)


def check(file, tensor):
    path = pathlib.Path(file)
    entry = entry_of(path)
    if entry is None:
        return None, f"{file}: nothing beside it is built here, not checked"
    if path.suffix == ".cc":
        done = subprocess.run(flags_of(entry) + [str(path.resolve())], cwd=entry["directory"], capture_output=True, text=True)
    else:
        # A header that brings the tensor in any case finds it compiled already: two seconds less.
        more = ("-include", tensor) if tensor and path.parts[0] == "include" and reaches_tensor(file) else ()
        done = compile_text(entry, f'#include "{include_of(path)}"\n', more)
    return done.returncode == 0, done.stderr


files = arguments.files or changed_files()
bad = 0
with tempfile.TemporaryDirectory() as scratch, concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
    tensor = None
    public = [file for file in files if file.startswith("include/") and reaches_tensor(file)]
    if len(public) > 4:
        tensor = f"{scratch}/tensor.h"
        pathlib.Path(tensor).write_text(f"#include <{TENSOR}>\n")
        entry = entry_of(pathlib.Path(public[0]))
        words = [word for word in flags_of(entry) if word != "-fsyntax-only"]
        subprocess.run(words + ["-x", "c++-header", "-o", f"{tensor}.gch", tensor], cwd=entry["directory"], check=True)
    for file, (good, text) in zip(files, pool.map(lambda file: check(file, tensor), files)):
        if good is None:
            print(text)
        elif not good:
            bad += 1
            print(f"{file}: does not compile without the precompiled header\n{text}", file=sys.stderr)
print(f"{len(files)} files, {bad} of them do not compile alone")
sys.exit(1 if bad else 0)
PY
