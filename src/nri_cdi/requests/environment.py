"""Which CDI devices a container's own environment requests.

An operator says which variable asks for devices of which kind, and a value is

    0,1                     devices of that kind, by name: so are all, GPU-<uuid>, 0:1
    vendor.com/gpu=0        a device of any kind
    none, void, or empty    nothing

Blanks around names, and commas that nothing stands between, mean nothing.

Images set variables as pods do, and a runtime has made one list of both by the time
that it asks: many an image for GPUs asks for all of them.

Source: NVIDIA container toolkit, internal/config/image (devicesFromEnvvars) and
internal/modifier/cdi.go (DeviceRequests). It differs where a value contradicts itself:
the toolkit takes ``0,none`` for nothing at all, and this refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from nri_cdi.cdi.names import parse_qualified_name, validate_device_name
from nri_cdi.errors import InvalidNameError, RequestError
from nri_cdi.requests.annotations import REMEMBERED, REMEMBERED_CHARACTERS
from nri_cdi.requests.names import BLANKS, MAX_NAMES, Names
from nri_cdi.requests.reading import Reading
from nri_cdi.requests.request import NO_REQUEST, Place, Request

Variables = tuple[tuple[str, str], ...]
"""Names of variables, each with the kind of devices that it asks for."""

# No entry of an environment can have it.
_BETWEEN = "\0"

# Each means that the container is to have no device.
NOTHING = frozenset({"none", "void"})


class VariableError(RequestError):
    """A variable that asks for devices in words that can't be read."""


def requested_by_environment(env: Sequence[str], variables: Variables) -> Request:
    """The devices that an environment, ``NAME=value`` each, requests by ``variables``.

    Of a variable that is in there more than once the last value counts, as it is the
    one that runc leaves (libcontainer/env.go, prepareEnv).

    Raises: VariableError, with everything that is wrong in these variables.
    """
    # For most containers these lines are all. To join thirty variables and to look for
    # one in them takes half as long as to look at each.
    text = _BETWEEN + _BETWEEN.join(env) + _BETWEEN
    values = tuple([(name, _last(text, name)) for name in _names_in(text, variables)])
    if not values:
        return NO_REQUEST
    if sum([len(value) for _, value in values]) > REMEMBERED_CHARACTERS:
        return _read(values, variables)
    return _remember(values, variables)


def _names_in(text: str, variables: Variables) -> list[str]:
    return [name for name, _ in variables if f"{_BETWEEN}{name}=" in text]


def _last(text: str, name: str) -> str:
    """The last value of a variable that is in there."""
    start = f"{_BETWEEN}{name}="
    begin = text.rindex(start) + len(start)
    return text[begin : text.index(_BETWEEN, begin)]


def _read(values: Sequence[tuple[str, str]], variables: Variables) -> Request:
    by_name = dict(values)
    reading = Reading(Place.VARIABLE, VariableError)
    for name, kind in variables:
        try:
            names = _names(by_name.get(name, ""), kind)
        except InvalidNameError as error:
            reading.note(name, str(error))
        else:
            reading.add(name, names)
    return reading.request()


_remember = lru_cache(maxsize=REMEMBERED)(_read)


def _names(value: str, kind: str) -> Names:
    """The devices in a variable's value.

    Raises: InvalidNameError, if it asks for devices and for none at once.
    """
    texts = [text.strip(BLANKS) for text in value.split(",", MAX_NAMES)]
    texts = [text for text in texts if text]
    nothing = NOTHING.intersection(texts)
    if not nothing:
        return [_device(text, kind) for text in texts]
    if nothing.issuperset(texts):
        return []
    raise InvalidNameError(
        f"it has {min(nothing)!r} beside names of devices: that stands alone"
    )


def _device(text: str, kind: str) -> str | InvalidNameError:
    try:
        # Neither character can be in the name of a device.
        if "=" in text or "/" in text:
            return str(parse_qualified_name(text))
        validate_device_name(text)
    except InvalidNameError as error:
        return error
    return f"{kind}={text}"
