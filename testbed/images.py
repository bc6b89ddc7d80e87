"""The image that pods and containers of the test bed run: busybox, made on the spot.

One image serves as the pods' sandbox, too. The archive is an OCI layout in a tar file,
the same bytes for the same busybox. ``docker load`` takes it as well.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from testbed import packages

IMAGE = "localhost/nri-cdi/busybox:test"

PAUSE = ("/bin/tail", "-f", "/dev/null")
"""What the image runs unless told otherwise: nothing, until it is killed."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
USERS = "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/tmp:/bin/sh\n"
GROUPS = "root:x:0:\nuser:x:1000:\n"
FOLDERS = ("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr/local/bin", "var")
WORLD_WRITABLE = {"tmp"}

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def write(path: Path) -> None:
    """Write the image into a file that ``ctr images import`` reads."""
    package = packages.fetch(*packages.BUSYBOX)
    path.write_bytes(layout(package.root / "bin/busybox", package.architecture))


def layout(busybox: Path, architecture: str) -> bytes:
    """An OCI image layout with one image, ``IMAGE``, as a tar archive."""
    settings = {
        "Cmd": list(PAUSE),
        "Env": [f"PATH={PATH}"],
        # The kernel keeps SIGTERM from a process 1 that has no handler for it:
        # without this every stop would wait for its whole grace period.
        "StopSignal": "SIGKILL",
    }
    return archive(IMAGE, [_layer(busybox)], settings, architecture)


def archive(
    name: str, layers: Sequence[bytes], settings: Mapping[str, Any], architecture: str
) -> bytes:
    """An OCI image layout with an image of these layers, as a tar archive.

    ``layers`` are tar archives; ``settings`` is the image's ``config`` object.
    """
    config = _json(
        {
            "architecture": architecture,
            "os": "linux",
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [*map(_digest, layers)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _descriptor(CONFIG_TYPE, config),
            "layers": [_descriptor(LAYER_TYPE, layer) for layer in layers],
        }
    )
    # containerd names the image after this annotation.
    named = {"annotations": {"io.containerd.image.name": name}}
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [_descriptor(MANIFEST_TYPE, manifest) | named],
    }
    # Docker without containerd's image store reads this file, and not the index.
    listed = {
        "Config": _blob_path(config),
        "Layers": [*map(_blob_path, layers)],
        "RepoTags": [name],
    }
    blobs = {_blob_path(blob): blob for blob in (*layers, config, manifest)}
    return _tar(
        _file("oci-layout", _json({"imageLayoutVersion": "1.0.0"})),
        _file("index.json", _json(index)),
        _file("manifest.json", _json([listed])),
        *(_file(path, blob) for path, blob in blobs.items()),
    )


def _layer(busybox: Path) -> bytes:
    listing = subprocess.run(
        [busybox, "--list"], capture_output=True, text=True, check=True
    )
    applets = sorted(set(listing.stdout.split()) - {"busybox"})
    return _tar(
        *(_folder(name) for name in FOLDERS),
        _file("bin/busybox", busybox.read_bytes(), mode=0o755),
        *(_link(f"bin/{applet}", "busybox") for applet in applets),
        _file("etc/passwd", USERS.encode()),
        _file("etc/group", GROUPS.encode()),
    )


def _folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type = tarfile.DIRTYPE
    member.mode = 0o1777 if name in WORLD_WRITABLE else 0o755
    return member, b""


def _file(
    name: str, content: bytes, mode: int = 0o644
) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = mode
    return member, content


def _link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type = tarfile.SYMTYPE
    member.linkname = target
    member.mode = 0o777
    return member, b""


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def _descriptor(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def _blob_path(blob: bytes) -> str:
    return f"blobs/{_digest(blob).replace(':', '/')}"


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
