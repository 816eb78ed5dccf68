"""Reads every file of a folder, each in a process of its own, and prints what came of it and what it took."""

import json
import os
import resource
import sys
from pathlib import Path

from c2b.campaigns import importing
from c2b.campaigns.importing.assemble import assemble
from c2b.campaigns.importing.suppliers import read_suppliers
from c2b.errors import Problem

LONGEST = 10
"""Seconds after which a reader is killed."""
MOST = 2_000_000_000
"""Bytes beyond which it gets no more memory."""


def outcome(path: Path) -> str:
    """Read a file as candidates and as suppliers; return the refusal, "read", or what went wrong."""
    try:
        data = importing.load(path)
        parsed = importing.read(data)
        assemble(parsed, currency="CNY")
    except Problem as problem:
        refusal = str(problem)
    except BaseException as error:  # noqa: BLE001  this is what is looked for
        return f"BROKEN {error!r}"
    else:
        refusal = f"read {len(parsed.lines)}; " + "; ".join(map(str, parsed.findings.problems[:2]))
    try:
        read_suppliers(data if "data" in locals() else b"")
    except Problem:
        return refusal
    except BaseException as error:  # noqa: BLE001  this is what is looked for
        return f"BROKEN {error!r}"
    return refusal


def measured(path: Path) -> dict[str, object]:
    """Return the outcome with the seconds of processor time and the MB of memory that it took."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))
        resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
        os.write(writing, outcome(path)[:500].encode("utf-8", "replace"))
        os._exit(0)
    os.close(writing)
    _, status, used = os.wait4(child, 0)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode("utf-8", "replace")
    return {"name": path.name, "said": said, "status": status, "cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024}


if __name__ == "__main__":
    print(json.dumps([measured(path) for path in sorted(Path(sys.argv[1]).iterdir())]))  # noqa: T201  the answer
