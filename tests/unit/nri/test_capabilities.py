from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi._pb.nri.api_pb2 import ConfigureRequest
from nri_cdi.nri.capabilities import (
    NRI_VERSIONS,
    OLDEST,
    OLDEST_NRI,
    SUPPORT,
    Capabilities,
    RuntimeInfo,
    Version,
    parse_version,
    runtime_named,
)

KNOWN_NAMES = ("containerd", "cri-o", "docker", "", "other")


def configured(
    name: str, version: str, *, nri: str = "", request_timeout: int = 0
) -> RuntimeInfo:
    return RuntimeInfo.from_configure(
        ConfigureRequest(
            runtime_name=name,
            runtime_version=version,
            NRI_version=nri,
            request_timeout=request_timeout,
        )
    )


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.1.9", (2, 1, 9)),
        ("v2.1.9", (2, 1, 9)),
        ("2.1.9+unknown", (2, 1, 9)),
        ("1.7.24~ds1-6+b3", (1, 7, 24)),
        ("2.2.0~rc1", (2, 2, 0)),
        ("v2.2.0-rc.1", (2, 2, 0)),
        ("1.36.0-dev", (1, 36, 0)),
        ("v0.12.1-0.20260801120000-abcdef123456", (0, 12, 1)),
        ("1.34", (1, 34, 0)),
        ("1.34-dev", (1, 34, 0)),
        ("1.2.3.4", (1, 2, 3)),
        ("0.0.0-unknown", None),
        ("v0.0.0-20260801120000-abcdef123456", None),
        ("(devel)", None),
        ("", None),
        ("main", None),
        ("2", None),
        ("v", None),
        ("release 2.1.9", None),
        ("-1.2.3", None),
        ("9" * 5000 + ".1.1", None),
        ("1." + "9" * 5000, None),
        ("\u0661.\u0662.\u0663", None),
    ],
)
def test_versions_are_read_leniently(text: str, version: Version | None) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize(
    ("name", "version", "nri"),
    [
        ("containerd", "1.7.0", (0, 3)),
        ("containerd", "1.7.6", (0, 3)),
        ("containerd", "1.7.7", (0, 4)),
        ("containerd", "1.7.13", (0, 4)),
        ("containerd", "1.7.14", (0, 6)),
        ("containerd", "1.7.24~ds1-6", (0, 6)),
        ("containerd", "1.7.26", (0, 8)),
        ("containerd", "1.7.99", (0, 8)),
        ("containerd", "2.0.0", (0, 8)),
        ("containerd", "v2.1.9+unknown", (0, 8)),
        ("containerd", "2.2.0", (0, 10)),
        ("containerd", "2.2.1", (0, 11)),
        ("containerd", "2.3.0", (0, 12)),
        ("containerd", "99.0.0", (0, 12)),
        ("cri-o", "1.26.0", (0, 2)),
        ("cri-o", "1.26.2", (0, 3)),
        ("cri-o", "1.28.9", (0, 3)),
        ("cri-o", "1.29.0", (0, 5)),
        ("cri-o", "1.30.0", (0, 6)),
        ("cri-o", "1.31.4", (0, 6)),
        ("cri-o", "1.32.0", (0, 9)),
        ("cri-o", "1.33.1", (0, 9)),
        ("cri-o", "1.34.0", (0, 10)),
        ("cri-o", "1.35.0-dev", (0, 11)),
        ("cri-o", "1.36.0", (0, 11)),
        ("cri-o", "1.99.0", (0, 11)),
    ],
)
def test_a_known_release_tells_its_nri_version(
    name: str, version: str, nri: tuple[int, int]
) -> None:
    assert configured(name, version).nri_version == nri


@pytest.mark.parametrize(
    ("runtime", "nri"),
    [
        (configured("containerd", "2.1.9", nri="0.12.2"), (0, 12)),
        (configured("docker", "29.7.2", nri="v0.12.1"), (0, 12)),
        (configured("other", "1.0.0", nri="v1.3.0"), (1, 3)),
        # A version that can't be read is still one that was told.
        (configured("other", "1.0.0", nri="(devel)"), (0, 12)),
        (configured("other", "1.0.0", nri="0.0.0-unknown"), (0, 12)),
        (configured("containerd", "2.1.9", nri="0.0.0-unknown"), (0, 8)),
        (configured("other", "1.0.0", request_timeout=2000), (0, 7)),
        (configured("containerd", "(devel)", request_timeout=2000), (0, 7)),
        (configured("containerd", "1.6.0", request_timeout=2000), (0, 7)),
        (configured("other", "1.0.0"), (0, 2)),
        (configured("containerd", "0.0.0-unknown"), (0, 2)),
        (configured("", ""), (0, 2)),
        (OLDEST, (0, 2)),
    ],
    ids=str,
)
def test_the_nri_version_is_the_best_that_is_certain(
    runtime: RuntimeInfo, nri: tuple[int, int]
) -> None:
    assert runtime.nri_version == nri


@pytest.mark.parametrize(
    ("name", "version", "text"),
    [
        ("containerd", "2.1.9", "containerd 2.1.9 (NRI 0.8)"),
        ("containerd", "v2.1.9+unknown", "containerd 2.1.9 (NRI 0.8)"),
        ("containerd", "1.7.24~ds1", "containerd 1.7.24~ds1 (NRI 0.6)"),
        ("cri-o", "1.34.0-dev", "cri-o 1.34.0-dev (NRI 0.10)"),
        ("containerd", "", "containerd (NRI 0.2)"),
        ("", "", "unknown runtime (NRI 0.2)"),
        ("a\nb", "1\x1b[31m", "a?b 1?[31m (NRI 0.2)"),
        ("x" * 100, "", f"{'x' * 64} (NRI 0.2)"),
    ],
)
def test_a_runtime_is_shown_as_in_a_log_line(
    name: str, version: str, text: str
) -> None:
    assert str(configured(name, version)) == text


@pytest.mark.parametrize(
    ("request_ms", "registration_ms", "request_s", "registration_s"),
    [
        (2500, 7500, 2.5, 7.5),
        (0, 0, 2.0, 5.0),
        (-1, -(2**63), 2.0, 5.0),
        (1, 1, 0.001, 0.001),
    ],
)
def test_timeouts_are_in_seconds_with_the_runtimes_defaults(
    request_ms: int, registration_ms: int, request_s: float, registration_s: float
) -> None:
    runtime = RuntimeInfo.from_configure(
        ConfigureRequest(
            request_timeout=request_ms, registration_timeout=registration_ms
        )
    )
    assert runtime.request_timeout_s == request_s
    assert runtime.registration_timeout_s == registration_s


# From here on a release has the capability; the release in front of it doesn't.
FIRST_RELEASES = [
    ("device_rules", "containerd", "2.1.99", "2.2.0"),
    ("device_rules", "cri-o", "1.33.9", "1.34.0"),
    ("net_devices", "containerd", "2.2.0", "2.2.1"),
    ("net_devices", "cri-o", "1.34.9", "1.35.0"),
    ("rdt", "containerd", "2.2.0", "2.2.1"),
    ("rdt", "cri-o", "1.34.9", "1.35.0"),
    ("container_user", "containerd", "2.2.9", "2.3.0"),
    ("container_user", "cri-o", "1.35.9", "1.36.0"),
    ("delegated_cdi", "containerd", "1.7.29", "1.7.30"),
    ("delegated_cdi", "containerd", "2.0.9", "2.1.0"),
    ("delegated_cdi", "cri-o", "1.33.9", "1.34.0"),
    ("dedicated_rpcs", "containerd", "2.2.9", "2.3.0"),
]


@pytest.mark.parametrize(
    ("capability", "name", "last_without", "first"), FIRST_RELEASES
)
def test_a_capability_begins_with_a_release(
    capability: str, name: str, last_without: str, first: str
) -> None:
    assert not getattr(configured(name, last_without).capabilities, capability)
    assert getattr(configured(name, first).capabilities, capability)


@pytest.mark.parametrize(
    ("runtime", "present"),
    [
        (OLDEST, {"device_nodes", "mounts", "hooks", "rdt_class"}),
        (
            configured("containerd", "2.1.9"),
            {"device_nodes", "mounts", "hooks", "rdt_class", "delegated_cdi"},
        ),
        (configured("containerd", "2.3.0"), set(SUPPORT)),
        (configured("containerd", "99.0.0", nri="7.0.0"), set(SUPPORT)),
        # What the runtime's own code decides can't be told from the NRI version.
        (
            configured("other", "1.0.0", nri="0.12.0"),
            set(SUPPORT) - {"container_user", "delegated_cdi"},
        ),
        (
            configured("containerd", "(devel)", nri="0.12.0"),
            set(SUPPORT) - {"container_user", "delegated_cdi"},
        ),
        (configured("cri-o", "1.37.0", nri="0.12.0"), set(SUPPORT)),
        (configured("docker", "29.7.2", nri="0.12.1"), {"dedicated_rpcs"}),
        (configured("docker", "29.2.0"), set()),
    ],
    # A set's words come in another order in each process.
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_a_runtime_has_these_capabilities_and_no_others(
    runtime: RuntimeInfo, present: set[str]
) -> None:
    capabilities = runtime.capabilities
    assert {name for name in SUPPORT if getattr(capabilities, name)} == present


@pytest.mark.parametrize(
    ("version", "mask"),
    [("1.7.0", 0x7FF), ("2.1.9", 0x7FF), ("2.2.0", 0x3FFF), ("2.3.0", 0x3FFF)],
)
def test_valid_events_follow_the_nri_version(version: str, mask: int) -> None:
    assert configured("containerd", version).capabilities.valid_events == mask


@pytest.mark.parametrize(
    ("capability", "text"),
    [
        ("net_devices", "NRI 0.11 (containerd 2.2.1, CRI-O 1.35)"),
        ("delegated_cdi", "NRI 0.7 (containerd 1.7.30 or 2.1.0, CRI-O 1.34)"),
        ("dedicated_rpcs", "NRI 0.12 (containerd 2.3.0)"),
    ],
)
def test_support_is_shown_in_words(capability: str, text: str) -> None:
    assert str(SUPPORT[capability]) == text


def test_every_capability_has_a_row() -> None:
    names = {field.name for field in fields(Capabilities)}
    assert names == {*SUPPORT, "valid_events"}


@pytest.mark.parametrize("name", NRI_VERSIONS)
def test_releases_stand_newest_first_and_nri_never_goes_back(name: str) -> None:
    rows = NRI_VERSIONS[name]
    assert list(rows) == sorted(rows, reverse=True)
    assert [nri for _, nri in rows] == sorted((nri for _, nri in rows), reverse=True)


@given(
    name=st.sampled_from(KNOWN_NAMES) | st.text(),
    version=st.text() | st.from_regex(r"v?\d+\.\d+\.\d+"),
    nri=st.text() | st.from_regex(r"v?\d+\.\d+\.\d+"),
    timeout=st.integers(-(2**63), 2**63 - 1),
)
def test_every_introduction_gives_a_runtime_that_can_be_shown(
    name: str, version: str, nri: str, timeout: int
) -> None:
    runtime = configured(name, version, nri=nri, request_timeout=timeout)
    assert str(runtime).isprintable()
    assert runtime.request_timeout_s > 0
    assert runtime.capabilities.valid_events in (0x7FF, 0x3FFF)


releases = st.tuples(st.integers(1, 3), st.integers(0, 40), st.integers(0, 40))


@given(
    name=st.sampled_from(("containerd", "cri-o")), pair=st.tuples(releases, releases)
)
def test_a_newer_release_never_knows_an_older_nri(
    name: str, pair: tuple[Version, Version]
) -> None:
    older, newer = (
        configured(name, ".".join(map(str, release))).nri_version
        for release in sorted(pair)
    )
    assert OLDEST_NRI <= older <= newer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("containerd", "containerd 2.3.0 (NRI 0.12)"),
        ("cri-o", "cri-o 1.36.0 (NRI 0.11)"),
        ("containerd:1.7.24", "containerd 1.7.24 (NRI 0.6)"),
        ("containerd:1.7.24~ds1", "containerd 1.7.24~ds1 (NRI 0.6)"),
        ("cri-o:1.34", "cri-o 1.34 (NRI 0.10)"),
        ("containerd:1.7.0", "containerd 1.7.0 (NRI 0.3)"),
        ("cri-o:9.9", "cri-o 9.9 (NRI 0.11)"),
    ],
)
def test_a_runtime_can_be_named(text: str, shown: str) -> None:
    assert str(runtime_named(text)) == shown


@pytest.mark.parametrize("name", NRI_VERSIONS)
def test_a_runtime_without_a_version_has_all_that_any_of_its_releases_has(
    name: str,
) -> None:
    assert runtime_named(name).capabilities == configured(name, "99.0.0").capabilities


@pytest.mark.parametrize("name", NRI_VERSIONS)
def test_a_named_runtime_is_the_one_that_says_so_itself(name: str) -> None:
    for release, _ in NRI_VERSIONS[name]:
        version = ".".join(map(str, release))
        assert runtime_named(f"{name}:{version}") == configured(name, version)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("docker", "'docker' is none of the known runtimes: containerd, cri-o"),
        ("containerd:", "'' is not a version of containerd, such as 2.3.0"),
        ("cri-o:a:1", "'a:1' is not a version of cri-o, such as 1.36.0"),
        ("containerd:1.6.99", "containerd has NRI since 1.7.0, not in '1.6.99'"),
        ("cri-o:1.25", "cri-o has NRI since 1.26.0, not in '1.25'"),
    ],
)
def test_what_names_no_runtime_with_nri_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=".") as caught:
        runtime_named(text)
    assert str(caught.value) == message
