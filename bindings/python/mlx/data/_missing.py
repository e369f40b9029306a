"""What is missing in files: nulls, and empty fields among numbers. `fill[name]` stands for it; where
there is none it is an error that names the column and the row."""

from typing import Any, Iterable, Mapping, Optional

from ._task import Sample

Fill = Mapping[str, Any]


def missing(name: str, row: int, count: int, what: str) -> ValueError:
    """The error of a column whose row `row`, from 0, is the first of `count` without a value."""
    more = f", the first of {count}" if count > 1 else ""
    return ValueError(
        f"[data] the column {name!r} has {what} in row {row}{more}: say fill={{{name!r}: value}}"
    )


def check_names(given: Optional[Iterable[str]], names: Iterable[str], what: str) -> None:
    """Raise ValueError unless there are columns of all given names."""
    for name in given or ():
        if name not in names:
            raise ValueError(
                f"[data] {what}: there is no column {name!r} among {', '.join(map(str, names))}"
            )


def check_within(name: str, value: Any) -> None:
    """Raise ValueError if a list holds a null, in whatever depth a few levels have."""
    stack = [value] if isinstance(value, list) else []
    while stack:
        for part in stack.pop():
            if part is None:
                raise ValueError(f"a list under {name!r} has a null in it")
            if isinstance(part, list):
                stack.append(part)


def without_nulls(sample: Sample, fill: Optional[Fill]) -> Sample:
    """A sample with what stands for its nulls and for what is not there."""
    for name, value in sample.items():
        if value is None and (fill is None or name not in fill):
            raise ValueError(f"{name!r} is null: say fill={{{name!r}: value}}")
        check_within(name, value)
    absent = {name: value for name, value in (fill or {}).items() if name not in sample}
    given = {n: (fill or {})[n] if value is None else value for n, value in sample.items()}
    return {**given, **absent}
