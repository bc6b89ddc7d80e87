"""The checks, in the order in which one would mend what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nri_cdi.doctor.checks.delegation import check_delegation
from nri_cdi.doctor.checks.expressible import check_expressible
from nri_cdi.doctor.checks.limits import check_limits
from nri_cdi.doctor.checks.nri import check_nri
from nri_cdi.doctor.checks.plugin import check_plugin
from nri_cdi.doctor.checks.runtimes import check_runtimes
from nri_cdi.doctor.checks.specs import check_specs
from nri_cdi.doctor.checks.validator import check_validator
from nri_cdi.doctor.facts import Facts
from nri_cdi.doctor.findings import Finding

CHECKS: tuple[Callable[[Facts], Iterator[Finding]], ...] = (
    check_runtimes,
    check_nri,
    check_plugin,
    check_validator,
    check_delegation,
    check_specs,
    check_expressible,
    check_limits,
)

__all__ = ["CHECKS"]
