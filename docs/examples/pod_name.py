"""An NRI plugin: every container gets the name of its pod in POD_NAME."""

from __future__ import annotations

import sys

from nri_cdi.nri import Plugin, api, run


class PodName(Plugin):
    def create_container(
        self, request: api.CreateContainerRequest
    ) -> api.CreateContainerResponse | None:
        if any(entry.startswith("POD_NAME=") for entry in request.container.env):
            return None  # it is set already: nothing to adjust
        response = api.CreateContainerResponse()
        response.adjust.env.add(key="POD_NAME", value=request.pod.name)
        return response


if __name__ == "__main__":
    run(PodName("pod-name", index="20"), *sys.argv[1:2])
