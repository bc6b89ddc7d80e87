"""The messages of the NRI API, under the names that the protocol gives them.

    from nri_cdi.nri import api

    response = api.CreateContainerResponse()
    response.adjust.env.add(key="COLOUR", value="blue")

Source: proto/nri/api.proto.
"""

from __future__ import annotations

from nri_cdi._pb.nri.api_pb2 import *  # noqa: F403  (the module is the API)
from nri_cdi._pb.nri.api_pb2 import DESCRIPTOR as DESCRIPTOR
