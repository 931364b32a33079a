"""Two types of one name in one namespace are undefined behaviour that no compiler and no linker reports: the
program takes the destructor of one for the other. Types that are not in an anonymous namespace must have a name
of their own in the whole library.

Usage: type_names_test.py PROJECT_ROOT"""
import collections
import pathlib
import re
import sys

DEFINITION = re.compile(r"^\s*(?:struct|class|enum|enum class)\s+(\w+)\s*(?:final\s*)?(?::(?!:)[^;{]*)?\{")
NAMESPACE = re.compile(r"^namespace\s*([\w:]*)\s*\{\s*(?://.*)?$")
NAMESPACE_END = re.compile(r"^\}\s*//\s*namespace\b")


def types_of(file):
    """The types at the outermost level of the file's namespaces; those inside a type are indented."""
    namespaces = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if match := NAMESPACE.match(line):
            namespaces.append(match.group(1))
        elif NAMESPACE_END.match(line):
            namespaces.pop()
        elif line[:1].strip() and "" not in namespaces and (match := DEFINITION.match(line)):
            yield "::".join([*namespaces, match.group(1)])


def main():
    root = pathlib.Path(sys.argv[1])
    places = collections.defaultdict(list)
    for folder in ("include", "src"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in (".h", ".cc"):
                for name in types_of(file):
                    places[name].append(str(file.relative_to(root)))
    assert places, f"{root}: no type found"
    doubled = {name: files for name, files in places.items() if len(files) > 1}
    for name, files in sorted(doubled.items()):
        print(f"{name} is defined {len(files)} times: {', '.join(files)}")
    return 1 if doubled else 0


if __name__ == "__main__":
    sys.exit(main())
