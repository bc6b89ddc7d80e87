"""Generates the protobuf modules of `_pb` packages from the texts in `proto/`.

Runs in its own environment (`tools/setup proto`), whose protoc is old on purpose:
docs/decisions/0003-generated-code.md says why. The result is committed.

    python tools/genproto.py            writes the modules
    python tools/genproto.py --check    writes nothing; exit 1 if they are out of date
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTO_DIR = ROOT / "proto"

# Where the code goes: folder of a `_pb` package, and the files it is made of. The
# names are relative to proto/, because two files both called api.proto would
# collide in protobuf's descriptor pool.
TARGETS = {
    "src/nri_cdi/_pb": ("nri/api.proto", "ttrpc/request.proto"),
    "testbed/_pb": ("cri/api.proto",),
}
IMPORT_ROOTS = (ROOT / "src", ROOT)
GENERATED = ("*_pb2.py", "*_pb2.pyi")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="genproto-") as scratch:
        fresh = generate(Path(scratch))
    stale = [path for path in present() if fresh.get(path) != path.read_bytes()]
    missing = [path for path in fresh if not path.exists()]
    if not arguments.check:
        write(fresh)
    elif stale or missing:
        return complain(sorted({*stale, *missing}))
    load(fresh)
    print(f"genproto: {len(fresh)} files are up to date with proto/")
    return 0


def generate(scratch: Path) -> dict[Path, bytes]:
    """What protoc makes of every target: the path in the tree, and its content."""
    fresh = {}
    for folder, sources in TARGETS.items():
        out = scratch / folder
        out.mkdir(parents=True)
        compile_into(out, sources)
        for path in generated_in(out):
            fresh[ROOT / path.relative_to(scratch)] = path.read_bytes()
    return fresh


def compile_into(out: Path, sources: Sequence[str]) -> None:
    """Runs protoc; what it has against a source goes to stderr."""
    plugin = Path(sys.executable).with_name("protoc-gen-mypy")
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO_DIR}"),
        f"--plugin=protoc-gen-mypy={plugin}",
        f"--python_out={out}",
        f"--mypy_out=quiet:{out}",
    ]
    subprocess.run([*command, *sources], check=True)


def generated_in(folder: Path) -> Iterator[Path]:
    for pattern in GENERATED:
        yield from folder.rglob(pattern)


def present() -> Iterator[Path]:
    """The generated files that the tree has now."""
    for folder in TARGETS:
        yield from generated_in(ROOT / folder)


def write(fresh: dict[Path, bytes]) -> None:
    for path in set(present()) - set(fresh):
        path.unlink()
    for path, content in fresh.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def complain(paths: Sequence[Path]) -> int:
    names = ", ".join(str(path.relative_to(ROOT)) for path in paths)
    print(
        f"genproto: out of date with proto/: {names}; run make proto", file=sys.stderr
    )
    return 1


def load(fresh: dict[Path, bytes]) -> None:
    """Imports every module with this environment's protobuf, the oldest supported."""
    modules = sorted(module_name(path) for path in fresh if path.suffix == ".py")
    script = "import importlib, sys; [*map(importlib.import_module, sys.argv[1:])]"
    search_path = os.pathsep.join(map(str, IMPORT_ROOTS))
    subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *modules],
        env={**os.environ, "PYTHONPATH": search_path, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )


def module_name(path: Path) -> str:
    import_root = next(root for root in IMPORT_ROOTS if path.is_relative_to(root))
    return ".".join(path.relative_to(import_root).with_suffix("").parts)


if __name__ == "__main__":
    sys.exit(main())
