"""Kubernetes manifests: the pods in them, and what an API server would refuse."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nri_cdi.errors import ManifestError
from nri_cdi.manifests import TEMPLATES, Container, Manifests, Pod, parse_manifests

PATH = "pod.yaml"

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: train
  namespace: ml
  annotations:
    cdi.k8s.io/gpu: vendor.com/gpu=0
    example.com/other: "12"
spec:
  containers:
  - name: main
"""
TRAIN = Pod(
    path=PATH,
    kind="Pod",
    name="train",
    namespace="ml",
    annotations={
        "cdi.k8s.io/gpu": "vendor.com/gpu=0",
        "example.com/other": "12",
    },
    outer_annotations=(),
    containers=(Container(name="main", type="container"),),
)


def parse(text: str) -> Manifests:
    return parse_manifests(text.encode(), PATH)


def only_pod(text: str) -> Pod:
    [pod] = parse(text).pods
    return pod


def refused(text: str) -> list[str]:
    with pytest.raises(ManifestError) as raised:
        parse(text)
    return raised.value.lines()


def test_a_pod_is_read() -> None:
    assert parse(POD) == Manifests(pods=(TRAIN,), skipped=())


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{POD}",
        POD.replace("\n", "\r\n"),
        f"---\n---\n# nothing\n---\n{POD}...\n---\n",
        POD.replace('"12"', '&x "12"') + "more: *x\n",
    ],
    ids=["byte order mark", "Windows line ends", "empty documents", "anchors"],
)
def test_the_form_of_the_yaml_does_not_matter(text: str) -> None:
    assert only_pod(text) == TRAIN


def test_json_is_read_too() -> None:
    pod = {
        "kind": "Pod",
        "metadata": {"name": "\U0001f600", "annotations": {"a": "\U0001f600"}},
        "spec": {"containers": [{"name": "main"}]},
    }
    found = only_pod(json.dumps(pod))
    assert (found.name, found.annotations) == ("\U0001f600", {"a": "\U0001f600"})


def template(kind: str) -> dict[str, object]:
    value: dict[str, object] = {
        "metadata": {"name": "inner", "annotations": {"inner": "yes"}},
        "spec": {"containers": [{"name": "main"}]},
    }
    for key in reversed(TEMPLATES[kind]):
        value = {key: value}
    return value | {
        "kind": kind,
        "metadata": {"name": "outer", "annotations": {"outer": "yes"}},
    }


@pytest.mark.parametrize("kind", [kind for kind in TEMPLATES if kind != "Pod"])
def test_a_workload_stands_for_its_pods(kind: str) -> None:
    pod = only_pod(json.dumps(template(kind)))
    assert pod == Pod(
        path=PATH,
        kind=kind,
        name="outer",
        namespace="",
        annotations={"inner": "yes"},
        outer_annotations=("outer",),
        containers=(Container(name="main", type="container"),),
    )


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("extensions/v1beta1", "Deployment"),
        ("batch/v1", "CronJob"),
        ("", "Job"),
    ],
)
def test_a_kind_is_known_in_kubernetes_own_groups(version: str, kind: str) -> None:
    manifest = POD if kind == "Pod" else json.dumps(template(kind))
    value = f"apiVersion: {version}\nkind: {kind}"
    if kind == "Pod":
        assert only_pod(POD.replace("apiVersion: v1\nkind: Pod", value)) == TRAIN
    else:
        found = only_pod(manifest.replace("{", f'{{"apiVersion": "{version}", ', 1))
        assert found.kind == kind


@pytest.mark.parametrize(
    ("text", "skipped"),
    [
        ("kind: ConfigMap\nmetadata: {name: settings}\n", "ConfigMap settings"),
        ("kind: ConfigMap\nmetadata: []\n", "ConfigMap"),
        ("kind: ConfigMap\nmetadata: {name: 12}\n", "ConfigMap"),
        (
            "apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: a}\n",
            "Job a of batch.volcano.sh",
        ),
        (
            "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitorList\n",
            "PodMonitorList of monitoring.coreos.com",
        ),
        ("{}", "an object without a kind"),
        ("kind: null", "an object without a kind"),
        ("image: {tag: 1}", "an object without a kind"),
    ],
)
def test_other_objects_are_skipped_and_named(text: str, skipped: str) -> None:
    assert parse(f"{text}\n---\n{POD}") == Manifests(pods=(TRAIN,), skipped=(skipped,))


@pytest.mark.parametrize(
    ("outer", "inner"),
    [
        ("List", "kind: Pod"),
        ("PodList", "kind: Pod"),
        ("PodList", "apiVersion: v1"),
    ],
)
def test_a_list_stands_for_its_items(outer: str, inner: str) -> None:
    text = f"""\
kind: {outer}
items:
- {inner}
  metadata: {{name: a}}
  spec: {{containers: [{{name: main}}]}}
- {inner}
  metadata: {{name: b}}
  spec: {{containers: [{{name: main}}]}}
"""
    assert [str(pod) for pod in parse(text).pods] == ["Pod a", "Pod b"]


def test_a_list_may_have_other_things_and_lists_in_it() -> None:
    text = """\
kind: List
items:
- {kind: Secret, metadata: {name: key}}
- {kind: List, items: []}
- {kind: ServiceList, items: [{}]}
- {kind: ServiceList}
"""
    assert parse(text) == Manifests(pods=(), skipped=("Secret key", "Service"))


def test_an_empty_file_has_nothing_in_it() -> None:
    assert parse("") == Manifests(pods=(), skipped=())


def test_all_containers_count_in_the_order_in_which_they_start() -> None:
    pod = only_pod("""\
kind: Pod
metadata: {generateName: train-}
spec:
  containers: [{name: a}, {name: b}]
  ephemeralContainers: [{name: c}]
  initContainers: [{name: d}]
""")
    assert [(one.name, one.type) for one in pod.containers] == [
        ("d", "initContainer"),
        ("a", "container"),
        ("b", "container"),
        ("c", "ephemeralContainer"),
    ]
    assert str(pod) == "Pod train-"


@pytest.mark.parametrize(
    ("of_pod", "of_container", "user", "group"),
    [
        ("{}", "{}", 0, 0),
        ("{runAsUser: 1, runAsGroup: 2}", "{}", 1, 2),
        ("{runAsUser: 1, runAsGroup: 2}", "{runAsUser: 3}", 3, 2),
        ("{runAsUser: 1}", "{runAsUser: 0, runAsGroup: null}", 0, 0),
        ("{runAsUser: 1}", "null", 1, 0),
        # None of them is a number that Kubernetes would take.
        ("{runAsUser: -1, runAsGroup: 2147483648}", "{}", 0, 0),
        ("{runAsUser: '1', runAsGroup: true}", "{}", 0, 0),
    ],
)
def test_the_containers_user_goes_before_the_pods(
    of_pod: str, of_container: str, user: int, group: int
) -> None:
    pod = only_pod(f"""\
kind: Pod
metadata: {{name: a}}
spec:
  securityContext: {of_pod}
  containers: [{{name: main, securityContext: {of_container}}}]
""")
    [container] = pod.containers
    assert (container.user, container.group) == (user, group)


def test_a_pods_labels_and_runtime_class_are_read() -> None:
    text = POD.replace(
        "  annotations:", "  labels: {team: ml, x: null}\n  annotations:"
    )
    pod = only_pod(
        text.replace("  containers:", "  runtimeClassName: gpu\n  containers:")
    )
    assert pod.labels == {"team": "ml", "x": ""}
    assert pod.runtime_class == "gpu"


def test_the_labels_of_a_workload_are_not_its_pods() -> None:
    text = """\
kind: Deployment
metadata: {name: a, labels: {of: outer}}
spec:
  template:
    metadata: {labels: {of: inner}}
    spec: {containers: [{name: main}]}
"""
    assert only_pod(text).labels == {"of": "inner"}


ELSEWHERE = "valueFrom: {secretKeyRef: {name: a, key: b}}"


@pytest.mark.parametrize(
    ("env", "known", "unknown"),
    [
        ("null", (), ()),
        ("[]", (), ()),
        ("[{name: A, value: b}, {name: C, value: d=e}]", ("A=b", "C=d=e"), ()),
        ("[{name: A}, {name: B, value: null}]", ("A=", "B="), ()),
        (f"[{{name: A, {ELSEWHERE}}}]", (), ("A",)),
        (f"[{{name: A, value: '', {ELSEWHERE}}}]", (), ("A",)),
        ("[{name: A, value: b, valueFrom: null}]", ("A=b",), ()),
        # Kubernetes puts other variables into the first, and takes a $ out of the rest.
        ("[{name: A, value: x$(B)}, {name: C, value: $$}]", (), ("A", "C")),
        ("[{name: A, value: $B}, {name: C, value: $}]", ("A=$B", "C=$"), ()),
        # The last one of a name counts.
        ("[{name: A, value: b}, {name: A, value: c}]", ("A=c",), ()),
        (f"[{{name: A, value: b}}, {{name: A, {ELSEWHERE}}}]", (), ("A",)),
        (f"[{{name: A, {ELSEWHERE}}}, {{name: A, value: b}}]", ("A=b",), ()),
    ],
)
def test_a_containers_variables_are_known_or_not(
    env: str, known: tuple[str, ...], unknown: tuple[str, ...]
) -> None:
    [container] = only_pod(f"{POD}    env: {env}\n").containers
    assert (container.env, container.unknown_env) == (known, unknown)


@pytest.mark.parametrize(
    ("line", "has"),
    [("", False), ("hostUsers: true", False), ("hostUsers: false", True)],
)
def test_a_pod_may_have_a_user_namespace(line: str, *, has: bool) -> None:
    text = POD.replace("  containers:", f"  {line}\n  containers:")
    assert only_pod(text).has_user_namespace is has


@pytest.mark.parametrize(
    ("value", "text"),
    [("", ""), ("null", ""), ("'12'", "12"), ("a b", "a b"), ("1:30", "1:30")],
)
def test_what_go_takes_for_a_string_is_one(value: str, text: str) -> None:
    pod = only_pod(POD.replace('"12"', value))
    assert pod.annotations["example.com/other"] == text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("12", "an integer"),
        ("0o10", "an integer"),
        ("1e3", "a number"),
        ("y", "a boolean"),
        ("true", "a boolean"),
    ],
)
def test_what_go_takes_for_no_string_is_refused(value: str, kind: str) -> None:
    assert refused(POD.replace('"12"', value)) == [
        "pod.yaml:8:5: metadata.annotations['example.com/other']: "
        f"must be a string, not {kind}: put it in quotes"
    ]


REFUSED = [
    (
        "kind: [Pod]",
        ["pod.yaml:1:1: kind: must be a string, not a list"],
    ),
    ("- kind: Pod", ["pod.yaml:1:1: must be a mapping, not a list"]),
    ("nothing", ["pod.yaml:1:1: must be a mapping, not a string"]),
    (
        "kind: Pod",
        ["pod.yaml:1:1: it needs 'spec'", "pod.yaml:1:1: metadata: it needs 'name'"],
    ),
    (
        "kind: Pod\nmetadata: 1\nspec: {containers: {}}",
        [
            "pod.yaml:2:1: metadata: must be a mapping, not an integer",
            "pod.yaml:3:8: spec.containers: must be a list, not a mapping",
        ],
    ),
    (
        "kind: Pod\nmetadata: {name: 1, annotations: [a]}\nspec: {containers: []}",
        [
            "pod.yaml:2:12: metadata.name: must be a string, not an integer: "
            "put it in quotes",
            "pod.yaml:2:21: metadata.annotations: must be a mapping, not a list",
            "pod.yaml:3:1: spec: it needs 'containers'",
        ],
    ),
    (
        "kind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - a\n  - image: b\n"
        "  - name: {}\n  - name: ''\n    securityContext: 1",
        [
            "pod.yaml:5:5: spec.containers[0]: must be a mapping, not a string",
            "pod.yaml:6:5: spec.containers[1]: it needs 'name'",
            "pod.yaml:7:5: spec.containers[2].name: must be a string, not a mapping",
            "pod.yaml:8:5: spec.containers[3]: it needs 'name'",
            "pod.yaml:9:5: spec.containers[3].securityContext: "
            "must be a mapping, not an integer",
        ],
    ),
    (
        "kind: CronJob\nmetadata: {name: a}\nspec:\n  jobTemplate: {}",
        ["pod.yaml:4:3: spec.jobTemplate: it needs 'spec'"],
    ),
    (
        "kind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n  spec: 1",
        ["pod.yaml:5:3: items[0].spec: must be a mapping, not an integer"],
    ),
    (
        "kind: Pod\nmetadata: {name: a, labels: {b: 1}}\nspec:\n"
        "  runtimeClassName: 2\n  containers:\n  - name: c\n    env:\n    - 3\n"
        "    - value: 4\n    - name: A=B\n    - name: C\n      value: d\n"
        "      valueFrom: {}\n    - name: E\n      valueFrom: 5\n",
        [
            "pod.yaml:2:30: metadata.labels.b: must be a string, not an integer: "
            "put it in quotes",
            "pod.yaml:4:3: spec.runtimeClassName: must be a string, not an integer: "
            "put it in quotes",
            "pod.yaml:8:7: spec.containers[0].env[0]: must be a mapping, "
            "not an integer",
            "pod.yaml:9:7: spec.containers[0].env[1]: it needs 'name'",
            "pod.yaml:9:7: spec.containers[0].env[1].value: must be a string, "
            "not an integer: put it in quotes",
            "pod.yaml:10:7: spec.containers[0].env[2].name: must not have '=' in it",
            "pod.yaml:13:7: spec.containers[0].env[3].valueFrom: "
            "may not stand beside a value",
            "pod.yaml:15:7: spec.containers[0].env[4].valueFrom: must be a mapping, "
            "not an integer",
        ],
    ),
    ("kind: List\nitems: 1", ["pod.yaml:2:1: items: must be a list, not an integer"]),
]


@pytest.mark.parametrize(("text", "lines"), REFUSED)
def test_everything_wrong_is_named_with_its_place(text: str, lines: list[str]) -> None:
    assert refused(text) == lines


def test_the_line_tells_the_documents_apart() -> None:
    text = f"{POD}---\n{POD}---\n{POD}".replace("- name: main", "- name: 12")
    message = (
        "spec.containers[0].name: must be a string, not an integer: put it in quotes"
    )
    assert refused(text) == [f"pod.yaml:{line}:5: {message}" for line in (11, 23, 35)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            f"{POD}---\nkind: ConfigMap\ndata: {{{{ .Values.x }}}}: b\n",
            "pod.yaml:14:",
        ),
        (f"{POD}---\n\ta: b\n", "pod.yaml:13:"),
        ('{"kind": "Pod"} {"kind": "Pod"}', "pod.yaml:1:"),
        (f"{POD}---\nkind: a\nkind: b\n", "pod.yaml:14:1: kind: the key 'kind' is "),
    ],
)
def test_an_error_in_a_later_document_is_one_of_the_file(text: str, line: str) -> None:
    [found] = refused(text)
    assert found.startswith(line)


def test_another_encoding_is_refused() -> None:
    with pytest.raises(ManifestError) as raised:
        parse_manifests(b"\xff\xfe", PATH)
    assert raised.value.lines() == [
        "pod.yaml:1:1: the byte 0xff at offset 0 is not UTF-8; a manifest must be UTF-8"
    ]


def test_a_place_that_yaml_can_not_tell_is_left_out() -> None:
    long_key = "k" * 2000  # libyaml reads keys of 1024 characters
    text = json.dumps({long_key: {"a": 1}, "kind": 1})
    assert refused(text) == [
        "pod.yaml:1:1: kind: must be a string, not an integer: put it in quotes"
    ]
    assert refused(f"\t{text}") == [
        "pod.yaml: kind: must be a string, not an integer: put it in quotes"
    ]


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.sampled_from(["Pod", "List", ""]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "kind",
                        "apiVersion",
                        "items",
                        "metadata",
                        "annotations",
                        "name",
                        "spec",
                        "template",
                        "containers",
                        "env",
                        "value",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_any_value_is_read_or_refused_with_a_place(value: object) -> None:
    try:
        parse(json.dumps(value, indent=1))
    except ManifestError as error:
        assert error.problems
        assert all(problem.line is not None for problem in error.problems)
