"""Requests by environment: what a variable's value asks for, and what it can't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.cdi.names import parse_qualified_name
from nri_cdi.requests import (
    MAX_NAMES,
    MAX_PROBLEMS,
    NO_REQUEST,
    VariableError,
    requested_by_environment,
)

GPUS, KIND = "NVIDIA_VISIBLE_DEVICES", "nvidia.com/gpu"
MAPPED = ((GPUS, KIND), ("FPGAS", "vendor.com/fpga"))
UUID = "GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f"


def devices(*env: str) -> tuple[str, ...]:
    return requested_by_environment(env, MAPPED).devices


def refused(*env: str) -> str:
    with pytest.raises(VariableError) as raised:
        requested_by_environment(env, MAPPED)
    return str(raised.value)


@pytest.mark.parametrize(
    "env",
    [
        (),
        ("PATH=/bin",),
        (GPUS,),
        (f"X_{GPUS}=0",),
        (f"{GPUS}_X=0",),
        (f"{GPUS.lower()}=0",),
        (f"{GPUS}=",),
        (f"{GPUS}= ,\t,",),
        (f"{GPUS}=none",),
        (f"{GPUS}= void ",),
        (f"{GPUS}=none,void",),
        (f"{GPUS}=0", f"{GPUS}=none"),
    ],
)
def test_without_a_value_that_asks_for_devices_nothing_is_requested(
    env: tuple[str, ...],
) -> None:
    assert requested_by_environment(env, MAPPED) is NO_REQUEST


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("0", [f"{KIND}=0"]),
        ("0,1", [f"{KIND}=0", f"{KIND}=1"]),
        (" 1 , 0\n,1,", [f"{KIND}=1", f"{KIND}=0"]),
        ("all", [f"{KIND}=all"]),
        ("all,0", [f"{KIND}=all", f"{KIND}=0"]),
        ("None", [f"{KIND}=None"]),
        (UUID, [f"{KIND}={UUID}"]),
        ("0:1", [f"{KIND}=0:1"]),
        (f"MIG-{UUID[4:]}", [f"{KIND}=MIG-{UUID[4:]}"]),
        (f"{KIND}=0", [f"{KIND}=0"]),
        (f"0,{KIND}=0,vendor.com/net=eth0", [f"{KIND}=0", "vendor.com/net=eth0"]),
    ],
)
def test_a_value_names_devices_of_the_variables_kind_or_in_full(
    value: str, names: list[str]
) -> None:
    assert devices(f"{GPUS}={value}") == tuple(names)


def test_of_a_variable_that_is_there_twice_the_last_value_counts() -> None:
    assert devices(f"{GPUS}=0", "A=b", f"{GPUS}=1") == (f"{KIND}=1",)
    assert devices(f"{GPUS}=bad name", f"{GPUS}=1") == (f"{KIND}=1",)


def test_variables_count_in_the_order_of_the_configuration() -> None:
    found = requested_by_environment(("FPGAS=0", f"{GPUS}=1"), MAPPED)
    assert found.devices == (f"{KIND}=1", "vendor.com/fpga=0")
    assert found.variables("vendor.com/fpga=0") == ("FPGAS",)
    assert found.annotations("vendor.com/fpga=0") == ()


def test_a_device_that_two_variables_name_comes_once() -> None:
    found = requested_by_environment((f"FPGAS={KIND}=0", f"{GPUS}=0"), MAPPED)
    assert found.devices == (f"{KIND}=0",)
    assert found.variables(f"{KIND}=0") == (GPUS, "FPGAS")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("0 1", "device name '0 1' has ' ' in it; only letters, digits, "),
        ("-1", "device name '-1' must start with a letter or digit, not '-'"),
        ("0\x1b[31m", "device name '0\\x1b[31m' has '\\x1b' in it; only "),
        ("x" * 5000 + "!", f"device name '{'x' * 64}'... (5001 characters) has '!'"),
        # NVIDIA's old names of MIG devices can't be names of CDI's.
        ("MIG-GPU-1/2/3", "'MIG-GPU-1/2/3' is not a qualified device name "),
        ("vendor.com/gpu=", "'vendor.com/gpu=' is not a qualified device name "),
        (
            "gpu=0",
            "'gpu=0' is not a qualified device name (vendor/class=name): it has ",
        ),
        ("0,none", "it has 'none' beside names of devices: that stands alone"),
        ("void,0", "it has 'void' beside names of devices: that stands alone"),
        (",".join("0" * MAX_NAMES), None),
        (
            ",".join("0" * (MAX_NAMES + 1)),
            "with it the container requests more than 1024 names",
        ),
    ],
)
def test_a_bad_value_is_refused_with_its_variable_and_reason(
    value: str, problem: str | None
) -> None:
    if problem is None:
        assert devices(f"{GPUS}={value}") == (f"{KIND}=0",)
    else:
        assert refused(f"{GPUS}={value}").startswith(f"variable '{GPUS}': {problem}")


def test_all_that_is_wrong_is_in_one_error() -> None:
    message = refused("FPGAS=a/b", f"{GPUS}=0,1 2,!")
    assert message.count("variable ") == 3
    assert message.index(GPUS) < message.index("FPGAS")


def test_an_error_lists_only_so_many_problems() -> None:
    message = refused(f"{GPUS}=" + "!," * (MAX_PROBLEMS + 3))
    assert message.count("variable") == MAX_PROBLEMS
    assert message.endswith("; and 3 more")


# No environment can have a NUL. Source: execve(2).
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
values = texts | st.lists(
    st.sampled_from(["0", "1", " 2 ", "", UUID, "vendor.com/net=eth0"]), max_size=5
).map(",".join)


@given(st.lists(st.tuples(st.sampled_from([GPUS, "FPGAS", "X"]), values), max_size=5))
def test_any_environment_gives_whole_names_or_one_error(
    entries: list[tuple[str, str]],
) -> None:
    try:
        found = requested_by_environment(
            [f"{name}={value}" for name, value in entries], MAPPED
        )
    except VariableError as error:
        assert str(error).isprintable()
        return
    last = {name: value for name, value in entries if name != "X"}
    written = [
        text.strip()
        for name in (GPUS, "FPGAS")
        for text in last.get(name, "").split(",")
    ]
    assert [str(parse_qualified_name(name)) for name in found.devices] == list(
        dict.fromkeys(found.devices)
    )
    assert {name.rpartition("=")[2] for name in found.devices} == {
        text.rpartition("=")[2] for text in written if text not in ("", "none", "void")
    }
