"""The rules that a spec can break, each with the identifier that ``Problem.rule`` has.

Identifiers are stable: scripts and ignore lists hold on to them. A new rule gets a new
one; a rule that goes leaves its own unused.
"""

from __future__ import annotations

from enum import StrEnum


class Rule(StrEnum):
    """What is wrong, in a word or two."""

    # The file.
    UNREADABLE_FILE = "unreadable-file"
    NOT_A_REGULAR_FILE = "not-a-regular-file"
    FILE_TOO_LARGE = "file-too-large"
    # The text.
    NOT_UTF_8 = "not-utf-8"
    SYNTAX = "syntax"
    NO_SPEC_DATA = "no-spec-data"
    NESTING_TOO_DEEP = "nesting-too-deep"
    TOO_MANY_VALUES = "too-many-values"
    UNKNOWN_ANCHOR = "unknown-anchor"
    DUPLICATE_KEY = "duplicate-key"
    UNUSABLE_KEY = "unusable-key"
    UNUSABLE_MERGE = "unusable-merge"
    TAG_MISMATCH = "tag-mismatch"
    # The shape.
    UNKNOWN_FIELD = "unknown-field"
    REMOVED_FIELD = "removed-field"
    REPEATED_FIELD = "repeated-field"
    WRONG_TYPE = "wrong-type"
    NULL_ITEM = "null-item"
    # The content.
    UNKNOWN_VERSION = "unknown-version"
    VERSION_TOO_LOW = "version-too-low"
    INVALID_KIND = "invalid-kind"
    NO_DEVICES = "no-devices"
    INVALID_DEVICE_NAME = "invalid-device-name"
    DUPLICATE_DEVICE = "duplicate-device"
    EMPTY_EDITS = "empty-edits"
    INVALID_ENV = "invalid-env"
    EMPTY_PATH = "empty-path"
    NUL_CHARACTER = "nul-character"
    INVALID_DEVICE_TYPE = "invalid-device-type"
    INVALID_PERMISSIONS = "invalid-permissions"
    OUT_OF_RANGE = "out-of-range"
    INVALID_HOOK_NAME = "invalid-hook-name"
    EMPTY_INTERFACE_NAME = "empty-interface-name"
    DUPLICATE_INTERFACE = "duplicate-interface"
    INVALID_CLOS_ID = "invalid-clos-id"
    INVALID_ANNOTATION_KEY = "invalid-annotation-key"
    ANNOTATIONS_TOO_LARGE = "annotations-too-large"
    # The rewriting of a valid spec.
    LOSSY_REWRITE = "lossy-rewrite"
    # The report itself.
    TOO_MANY_PROBLEMS = "too-many-problems"
