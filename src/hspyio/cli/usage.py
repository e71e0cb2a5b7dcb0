"""What commands take, and how their words are read without typer, which takes long to import.

Help, and words that are not understood here, are typer's matter (`hspyio.cli.app`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

__all__ = [
    "Argument",
    "AsJson",
    "Exit",
    "Experiment",
    "Experiments",
    "File",
    "Files",
    "HspyFile",
    "NewFile",
    "Option",
    "Overwrite",
    "Place",
    "Source",
    "Threads",
    "WrongUsageError",
    "parameters",
    "shape_of",
    "values_of",
]


class Argument:
    """A word that has its place."""

    def __init__(self, *, help: str, metavar: str) -> None:
        self.help = help
        self.metavar = metavar


class Option:
    """A word that begins with dashes, and what follows it."""

    def __init__(
        self,
        *flags: str,
        help: str,
        min: float | None = None,
        max: float | None = None,
        show_default: bool = True,
        callback: Callable[[Any], Any] | None = None,
    ) -> None:
        self.flags = flags
        self.help = help
        self.min = min
        self.max = max
        self.show_default = show_default
        self.callback = callback


class Place(str):
    """A file, by its path or its address."""

    __slots__ = ()

    @property
    def stem(self) -> str:
        """The name of the file without its suffix."""
        return PurePath(self.partition("?")[0] if "://" in self else self).stem


# What several commands take.
File = Annotated[Place, Argument(help="The file.", metavar="FILE")]
Files = Annotated[list[Place], Argument(help="HSpy files.", metavar="FILE...")]
HspyFile = Annotated[Place, Argument(help="An HSpy file.", metavar="FILE")]
Source = Annotated[Place, Argument(help="The file.", metavar="IN")]
NewFile = Annotated[Path, Argument(help="The new file.", metavar="OUT")]
Experiments = Annotated[
    list[str], Argument(help="Experiments, by their groups or their titles.", metavar="NAME...")
]
Experiment = Annotated[
    str | None,
    Option(help="The experiment, by its group or its title, where there are several."),
]
AsJson = Annotated[bool, Option("--json", help="Print one JSON list, an item a file.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace OUT.")]
Threads = Annotated[int | None, Option(help="How many at most.")]


class Exit(Exception):  # noqa: N818
    """The command ends with an exit code."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


class WrongUsageError(Exception):
    """Words that make no sense, told as typer tells its own."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Parameter:
    """A parameter of a command: its type without ``list`` and ``None``, and what it is."""

    def __init__(self, name: str, hint: Any, default: tuple[Any, ...]) -> None:
        self.name = name
        self.type, spec = get_args(hint)
        self.spec: Argument | Option = spec
        self.default = default
        inner = self.type
        self.many = get_origin(inner) is list
        if self.many:
            (inner,) = get_args(inner)
        elif get_origin(inner) in (Union, UnionType):
            (inner,) = (part for part in get_args(inner) if part is not type(None))
            if get_origin(inner) is list:  # an option that may come several times
                self.many = True
                (inner,) = get_args(inner)
        self.inner: Any = inner

    def flags(self) -> dict[str, bool]:
        """Names on the command line; whether they switch it off stands beside them."""
        assert isinstance(self.spec, Option)
        dashed = "--" + self.name.replace("_", "-")
        if self.spec.flags:
            listed = self.spec.flags
        else:
            listed = (f"{dashed}/--no-{dashed[2:]}",) if self.inner is bool else (dashed,)
        return {flag: index == 1 for text in listed for index, flag in enumerate(text.split("/"))}

    def more(self, before: Any, word: str) -> Any:
        """What an option is after one more word."""
        made = self.value(word)
        return [*(before or ()), made] if self.many else made

    def where_not_given(self) -> Any:
        """What it is where no word says it, as typer has it."""
        (default,) = self.default
        if self.many and default is None:
            return ()
        return float(default) if self.inner is float else default

    def value(self, word: str) -> Any:
        """A word as a value of the type; ValueError if it is none."""
        made: Any = self.inner(word)
        if isinstance(self.spec, Option):
            low, high = self.spec.min, self.spec.max
            if (low is not None and not made >= low) or (high is not None and not made <= high):
                raise ValueError("out of range")
        return made


def parameters(function: Any) -> list[Parameter]:
    """What a command takes, in order."""
    hints = get_type_hints(function, include_extras=True)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    required = len(names) - len(defaults)
    return [
        Parameter(name, hints[name], defaults[index - required : index - required + 1])
        if index >= required
        else Parameter(name, hints[name], ())
        for index, name in enumerate(names)
    ]


def values_of(function: Any, words: Sequence[str]) -> dict[str, Any] | None:
    """Words of the command line as values of a command's parameters; None if typer has to look."""
    known = parameters(function)
    flags = {
        flag: (parameter, off)
        for parameter in known
        if isinstance(parameter.spec, Option)
        for flag, off in parameter.flags().items()
    }
    found: dict[str, Any] = {}
    places: list[str] = []
    rest = iter(words)
    try:
        for word in rest:
            if not word.startswith("-") or word == "-":
                places.append(word)
            elif word not in flags:
                return None
            elif flags[word][0].inner is bool:
                found[flags[word][0].name] = not flags[word][1]
            else:
                following = next(rest, "-")
                if following.startswith("-"):
                    return None
                parameter = flags[word][0]
                found[parameter.name] = parameter.more(found.get(parameter.name), following)
        placed = _placed([item for item in known if isinstance(item.spec, Argument)], places)
    except ValueError:
        return None
    if placed is None:
        return None
    found |= placed
    for parameter in known:
        if parameter.name not in found:
            found[parameter.name] = parameter.where_not_given()
        if isinstance(parameter.spec, Option) and parameter.spec.callback is not None:
            found[parameter.name] = parameter.spec.callback(found[parameter.name])
    return found


def shape_of(text: str | None, hint: str = "--chunks") -> tuple[int, ...] | None:
    """A shape as the command line has it: ``20,20,256``."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.replace("x", ",").strip("() ").split(","))
    except ValueError:
        raise WrongUsageError("a shape looks like 20,20,256", hint=hint) from None


def _placed(known: Sequence[Parameter], words: list[str]) -> dict[str, Any] | None:
    """The words that have their places, of which at most one parameter takes several."""
    found: dict[str, Any] = {}
    left = list(words)
    for index, parameter in enumerate(known):
        if not left:
            if not parameter.default:
                return None
            continue
        if parameter.many:
            kept = len(known) - index - 1
            taken, left = left[: len(left) - kept], left[len(left) - kept :]
            if not taken:
                return None
            found[parameter.name] = [parameter.value(word) for word in taken]
        else:
            found[parameter.name] = parameter.value(left.pop(0))
    return None if left else found
