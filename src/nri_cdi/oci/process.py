"""The process of an OCI spec: its environment, and the user it runs as.

Source: OCI runtime-spec, config.md, "Process"; the order and the choice of what is
replaced: CDI internal/ociedit/spec_editor.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from nri_cdi.oci.draft import Draft
from nri_cdi.oci.problems import Rule, unsuitable

_MAX_ID = 2**32 - 1


class EnvMode(StrEnum):
    """What becomes of a variable that the process has already.

    REPLACE: its last value gives way to the new one, in its place (CDI library after
    v1.1.0, containerd). APPEND: the old values stay, and the new one comes after them;
    which one a program sees is up to it (CDI library to v1.1.0, Docker, Podman, CRI-O).
    In both modes a variable that is set twice is there once, with its last value.
    """

    REPLACE = "replace"
    APPEND = "append"


def set_env(draft: Draft, variables: Sequence[str], mode: EnvMode) -> None:
    """Set variables, each ``NAME=value``; a new one comes at the end.

    Raises: OciSpecError.
    """
    if not variables:
        return
    env = draft.own_list("process", "env")
    draft.check_items(str, env, "process", "env")
    names = env
    if mode is EnvMode.REPLACE:
        names = [variable and variable.partition("=")[0] for variable in env]
    # v1.1.0 looks for the name among whole entries: it finds those without "=".
    places = {name: index for index, name in enumerate(names)}
    for variable in variables:
        place = places.setdefault(variable.partition("=")[0], len(env))
        env[place : place + 1] = [variable]


def user_ids(draft: Draft) -> tuple[int, int]:
    """The uid and gid that the process runs as; 0 where the spec has none.

    Raises: OciSpecError.
    """
    return _id(draft, "uid"), _id(draft, "gid")


def add_gids(draft: Draft, gids: Iterable[int]) -> None:
    """Add groups to the user's, as far as they are not there; 0 is never added.

    Raises: OciSpecError.
    """
    wanted = [gid for gid in gids if gid]
    if not wanted:
        return
    keys = ("process", "user", "additionalGids")
    present = draft.own_list(*keys)
    draft.check_items(int, present, *keys)
    known = set(present)
    present.extend(gid for gid in dict.fromkeys(wanted) if gid not in known)


def _id(draft: Draft, key: str) -> int:
    value = draft.look(int, "process", "user", key) or 0
    if not 0 <= value <= _MAX_ID:
        message = f"{value} is not between 0 and {_MAX_ID}"
        pointer = f"process.user.{key}"
        raise unsuitable(draft.path, Rule.OUT_OF_RANGE, pointer, message)
    return value
