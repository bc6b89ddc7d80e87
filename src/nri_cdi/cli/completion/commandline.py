"""A command that is being written: what stands there, and what may come next.

All of it comes from the parsers of the verbs, so that it can't go stale.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from nri_cdi.cli import AFTER, make_parser

_Parser = argparse.ArgumentParser

_QUOTING = frozenset("\"'\\")


@dataclass(slots=True, kw_only=True)
class CommandLine:
    """The words before the one that is being written, as far as they make sense.

    ``values`` are those of the options so far, by attribute, and ``positionals`` the
    words that belong to none. ``pending`` is the option whose value comes next.
    ``verb`` is empty until there is one.
    """

    parser: _Parser
    verb: str = ""
    values: dict[str, list[str]] = field(default_factory=dict)
    positionals: list[str] = field(default_factory=list)
    pending: argparse.Action | None = None
    only_positionals: bool = False

    def take(self, word: str) -> None:
        """Go one word further."""
        if self.pending is not None:
            self._set(self.pending, word)
        elif self.only_positionals or not word.startswith("-") or word == "-":
            self._take_positional(word)
        elif word == "--":
            self.only_positionals = True
        else:
            self._take_option(word)

    def option(self, name: str) -> argparse.Action | None:
        """The option of that name."""
        return next((o for o in self.options() if name in o.option_strings), None)

    def options(self) -> Iterator[argparse.Action]:
        """Those that may come next."""
        return (action for action in actions(self.parser) if action.option_strings)

    def positional(self) -> argparse.Action | None:
        """What the next word is, if it belongs to no option."""
        expected = [each for each in actions(self.parser) if not each.option_strings]
        for taken, action in enumerate(expected):
            if taken == len(self.positionals) or action.nargs in ("*", "+"):
                return action
        return None

    def _set(self, action: argparse.Action, value: str) -> None:
        name = action.dest.removeprefix(AFTER)
        self.values.setdefault(name, []).append(value)
        self.pending = None

    def _take_positional(self, word: str) -> None:
        verbs = verb_parsers(self.parser)
        if word in verbs:
            self.verb, self.parser = word, verbs[word]
        else:
            self.positionals.append(word)

    def _take_option(self, word: str) -> None:
        name, equals, value = word.partition("=")
        action = self.option(name)
        if action is None:  # -ojson, or nothing that we know
            action, equals, value = self.option(word[:2]), word[2:], word[2:]
        if action is None or action.nargs == 0:
            return
        if equals:
            self._set(action, value)
        else:
            self.pending = action


def read(words: Sequence[str]) -> CommandLine:
    """The command that these words, without the program's name, begin."""
    plain = [unquoted(word) for word in words]
    line = CommandLine(parser=make_parser(plain))
    for word in plain:
        line.take(word)
    return line


def actions(parser: _Parser) -> list[argparse.Action]:
    """The arguments of a parser, but for those that --help is silent about."""
    # argparse has no other way to them, and this one in all its versions.
    return [each for each in parser._actions if each.help != argparse.SUPPRESS]


def verb_parsers(parser: _Parser) -> dict[str, _Parser]:
    """The parsers of the verbs; a verb's own parser has none."""
    return {
        name: its_parser
        for action in actions(parser)
        if isinstance(action, argparse._SubParsersAction)
        for name, its_parser in action.choices.items()
    }


def verb_purposes(parser: _Parser) -> dict[str, str]:
    """The verbs, and what --help says of each."""
    return {
        verb.dest: verb.help or ""
        for action in actions(parser)
        if isinstance(action, argparse._SubParsersAction)
        for verb in action._choices_actions
    }


def unquoted(word: str) -> str:
    """A word without the quotes that the shell would take away.

    Some shells have done so: a blank without quotes is part of the word.
    """
    if _QUOTING.isdisjoint(word):
        return word
    try:
        return "".join(shlex.split(word))
    except ValueError:  # a quote is open still
        return word.lstrip("\"'")
