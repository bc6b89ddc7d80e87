from __future__ import annotations

import json

from nri_cdi.cdi.formatting.arranging import arrange
from nri_cdi.cdi.formatting.entries import entry_of, plain_of
from nri_cdi.cdi.reading import parse_spec

WRITTEN = {
    "containeredits": {
        "additionalGids": [1.0],
        "INTELRDT": {"enablecmt": True, "closid": None, "EnableMBM": None},
        "mounts": None,
    },
    "devices": [
        {
            "containerEdits": {
                "deviceNodes": [{"minor": 0, "PATH": "/dev/a", "uid": None}]
            },
            "annotations": {"b": 1, "a": 2},
            "name": 0,
        },
        {"name": "1", "annotations": None, "containerEdits": {"env": ["A=b"]}},
    ],
    "KIND": "vendor.com/device",
    "cdiVersion": "0.7.0",
}
ARRANGED = {
    "cdiVersion": "0.7.0",
    "kind": "vendor.com/device",
    "devices": [
        {
            "name": "0",
            "annotations": {"b": "1", "a": "2"},
            "containerEdits": {
                "deviceNodes": [{"path": "/dev/a", "minor": 0, "uid": None}]
            },
        },
        {"name": "1", "annotations": {}, "containerEdits": {"env": ["A=b"]}},
    ],
    "containerEdits": {
        "mounts": [],
        "intelRdt": {"closID": "", "enableCMT": True, "enableMBM": None},
        "additionalGids": [1],
    },
}


def test_fields_get_the_names_the_order_and_the_types_of_the_specification() -> None:
    root = entry_of(WRITTEN)
    arrange(root, parse_spec(json.dumps(WRITTEN).encode(), "f").spec)
    assert json.dumps(plain_of(root)) == json.dumps(ARRANGED)
