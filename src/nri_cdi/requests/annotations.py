"""Which CDI devices a pod's annotations request for a container.

Keys count in sorted order, names in the order written, and each name once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from nri_cdi.errors import AnnotationError, InvalidNameError
from nri_cdi.requests.dialect import CDI_DIALECT, Dialect
from nri_cdi.requests.reading import Reading
from nri_cdi.requests.request import NO_REQUEST, Place, Request

# Requests that are kept, and how long the texts of each may be: 2 MB at most.
REMEMBERED = 512
REMEMBERED_CHARACTERS = 4096


def requested_devices(
    annotations: Mapping[str, str],
    container: str,
    dialects: Sequence[Dialect] = (CDI_DIALECT,),
) -> Request:
    """The devices that a pod's ``annotations`` request for the container of that name.

    Raises: AnnotationError, with everything that is wrong in the annotations about it.
    """
    dialects = tuple(dialects)
    prefixes = _prefixes(dialects)
    # Most pods of a node request nothing, and this line is all that happens for them.
    keys = [key for key in annotations if key.startswith(prefixes)]
    if not keys:
        return NO_REQUEST
    keys.sort()
    items = tuple([(key, annotations[key]) for key in keys])
    if sum([len(value) for _, value in items]) > REMEMBERED_CHARACTERS:
        return _read(items, container, dialects)
    return _remember(items, container, dialects)


@cache
def _prefixes(dialects: tuple[Dialect, ...]) -> tuple[str, ...]:
    return tuple(prefix for dialect in dialects for prefix in dialect.prefixes)


def _read(
    items: Sequence[tuple[str, str]], container: str, dialects: Sequence[Dialect]
) -> Request:
    values = dict(items)
    reading = Reading(Place.ANNOTATION, AnnotationError)
    for dialect in dialects:
        own = [key for key in values if key.startswith(dialect.prefixes)]
        for key in dialect.select(own, container):
            try:
                names = dialect.names(key, values[key])
            except InvalidNameError as error:
                reading.note(key, str(error))
            else:
                reading.add(key, names)
    return reading.request()


# The pods of a workload ask for the same in the same words.
_remember = lru_cache(maxsize=REMEMBERED)(_read)
