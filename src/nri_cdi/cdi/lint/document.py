"""A file as lint sees it: what its text says, what its spec says, each with places."""

from __future__ import annotations

from collections.abc import Sequence

from nri_cdi.cdi.document import decode
from nri_cdi.cdi.lint.findings import Finding, of_problem, placed
from nri_cdi.cdi.lint.host import Host
from nri_cdi.cdi.lint.registries import lint_file_name
from nri_cdi.cdi.lint.rules import Severity
from nri_cdi.cdi.lint.specs import lint_spec
from nri_cdi.cdi.lint.texts import lint_text
from nri_cdi.cdi.reading import LoadedSpec


def lint_document(
    data: bytes,
    loaded: LoadedSpec,
    *,
    host: Host | None = None,
    others: Sequence[Finding] = (),
) -> tuple[Finding, ...]:
    """All findings about a file, in its order: ``loaded`` is what ``data`` has in it.

    ``others`` are findings from elsewhere, as about other files of the directory.
    """
    text = decode(data)
    findings = [
        *(of_problem(warning, Severity.WARNING) for warning in loaded.warnings),
        *lint_file_name(loaded.path),
        *lint_text(text, loaded.path),
        *lint_spec(loaded.spec, host=host),
        *others,
    ]
    return placed(text, findings)
