"""On which terms containers get devices, as the configuration has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nri_cdi.config import Config
from nri_cdi.nri import api
from nri_cdi.nri.capabilities import DOCKER, RuntimeInfo
from nri_cdi.policy import Judge, Judgement, matcher
from nri_cdi.requests import Dialect, Request, dialects, requested


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How devices are asked for, and who may have them.

    ``is_exclusive`` tells of a device's name; it is None if no device is exclusive.
    """

    dialects: tuple[Dialect, ...]
    variables: tuple[tuple[str, str], ...]
    judge: Judge
    is_exclusive: Callable[[str], bool] | None

    @classmethod
    def of(cls, config: Config) -> Terms:
        """The terms of a configuration."""
        return cls(
            dialects=dialects(config.aliases),
            variables=config.environment,
            judge=Judge(config.policy),
            is_exclusive=matcher(config.exclusive) if config.exclusive else None,
        )

    def requested(
        self, pod: api.PodSandbox, container: api.Container, runtime: RuntimeInfo
    ) -> Request:
        """What a container asks for.

        Raises: RequestError, if that can't be read.
        """
        # Docker has no pods; its containers have the annotations of docker run.
        # Source: moby daemon/internal/nri/nri.go.
        bearer = container if runtime.name == DOCKER else pod
        return requested(
            bearer.annotations,
            container.name,
            # Not looked at unless it matters: to do so takes as long as the rest.
            container.env if self.variables else (),
            self.dialects,
            self.variables,
        )

    def judgement(self, pod: api.PodSandbox, devices: tuple[str, ...]) -> Judgement:
        """What the policy has to say about devices for a pod.

        Raises: RequestError, if they are too many to be judged in time.
        """
        return self.judge.judgement(
            pod.namespace, pod.name, pod.labels, pod.runtime_handler, devices
        )
