#!/usr/bin/env python3
"""Checks that every listing in README.md and docs/ is what the tree holds: nothing in them can go stale unseen.

A block that follows the line `<!-- file: PATH -->` must be that file, or a contiguous part of it from which the
common indentation may have been taken. One that follows `<!-- output: PATH -->` must be the whole file. Every block
marked as cpp needs one of these lines. Paths start at the top of the tree.

usage: check_listings.py [FILE.md...]; exits with 1 if anything differs.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK = re.compile(r"<!--\s*(file|output):\s*(\S+)\s*-->")
FENCE = re.compile(r"(```+|~~~+)\s*(\w*)")


def blocks(lines):
    """Yields (line number, language, lines, mark) for each fenced block; mark is (kind, path, line number) or None."""
    mark = None
    number = 0
    while number < len(lines):
        line = lines[number].strip()
        number += 1
        if found := MARK.fullmatch(line):
            if mark:
                yield mark[2], "", None, mark
            mark = (*found.groups(), number)
        elif fence := FENCE.match(line):
            first = number
            while number < len(lines) and lines[number].strip() != fence[1]:
                number += 1
            yield first, fence[2], lines[first:number], mark
            number += 1
            mark = None
        elif line and mark:
            yield mark[2], "", None, mark
            mark = None
    if mark:
        yield mark[2], "", None, mark


def dedent(lines):
    """Without the common indentation; blank lines have none."""
    used = [len(line) - len(line.lstrip()) for line in lines if line.strip()]
    return [line[min(used, default=0):].rstrip() for line in lines]


def is_part_of(listing, source):
    wanted = dedent(listing)
    length = len(wanted)
    return length > 0 and any(
        dedent(source[start:start + length]) == wanted for start in range(len(source) - length + 1)
    )


def problem_with(language, listing, mark):
    if mark is None:
        return "a cpp block without a line <!-- file: … --> above it" if language in ("cpp", "c++", "cc") else None
    kind, path, _ = mark
    if listing is None:
        return f"no block follows the mark of {path}"
    file = ROOT / path
    if not file.is_file():
        return f"{path} does not exist"
    source = file.read_text(encoding="utf-8").splitlines()
    if kind == "output":
        return None if listing == source else f"the block is not {path}"
    return None if is_part_of(listing, source) else f"the block is no part of {path}"


def main(arguments):
    documents = [Path(a).resolve() for a in arguments] or [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    checked = failed = 0
    for document in documents:
        lines = document.read_text(encoding="utf-8").splitlines()
        for number, language, listing, mark in blocks(lines):
            checked += mark is not None
            if problem := problem_with(language, listing, mark):
                failed += 1
                print(f"{document}:{number}: {problem}", file=sys.stderr)
    print(f"{checked} listings in {len(documents)} documents checked, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
