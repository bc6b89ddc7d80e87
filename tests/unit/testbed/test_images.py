from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from testbed.images import IMAGE, layout

BUSYBOX = "#!/bin/sh\nprintf 'sh\\nbusybox\\nls\\n'\n"


@pytest.fixture
def busybox(tmp_path: Path) -> Path:
    path = tmp_path / "busybox"
    path.write_text(BUSYBOX)
    path.chmod(0o755)
    return path


def opened(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = ((each.name, tar.extractfile(each)) for each in tar if each.isfile())
        return {name: file.read() for name, file in files if file is not None}


def blob(files: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    content = files[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert descriptor["size"] == len(content)
    return content


def test_the_same_busybox_gives_the_same_bytes(busybox: Path) -> None:
    assert layout(busybox, "amd64") == layout(busybox, "amd64")


def test_every_descriptor_fits_its_blob(busybox: Path) -> None:
    files = opened(layout(busybox, "arm64"))
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"] == {"io.containerd.image.name": IMAGE}
    manifest = json.loads(blob(files, entry))
    config = json.loads(blob(files, manifest["config"]))
    (layer,) = manifest["layers"]
    assert blob(files, layer)
    assert config["rootfs"]["diff_ids"] == [layer["digest"]]
    assert (config["architecture"], config["os"]) == ("arm64", "linux")


def test_dockers_own_list_names_the_same_blobs(busybox: Path) -> None:
    files = opened(layout(busybox, "amd64"))
    (entry,) = json.loads(files["index.json"])["manifests"]
    manifest = json.loads(blob(files, entry))
    (listed,) = json.loads(files["manifest.json"])
    assert listed["RepoTags"] == [IMAGE]
    assert files[listed["Config"]] == blob(files, manifest["config"])
    (layer,) = manifest["layers"]
    assert [files[path] for path in listed["Layers"]] == [blob(files, layer)]


def test_the_layer_has_busybox_and_a_link_for_each_of_its_commands(
    busybox: Path,
) -> None:
    files = opened(layout(busybox, "amd64"))
    index = json.loads(files["index.json"])
    manifest = json.loads(blob(files, index["manifests"][0]))
    layer = blob(files, manifest["layers"][0])
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        members = {each.name: each for each in tar}
    assert members["bin/busybox"].mode == 0o755
    links = {name: each.linkname for name, each in members.items() if each.issym()}
    assert links == {"bin/ls": "busybox", "bin/sh": "busybox"}
    assert members["tmp"].mode == 0o1777
