"""Buffers and streams of tar archives. Files that differ in what is behind the first dot of their
name are one sample.

An archive ends with a block of zeros. One that ends without, or in which no header stands where one
was expected, is broken: tarfile would take it for a whole one. Links are what they lead to, or an
error; folders and devices are no files."""

import os
import posixpath
import tarfile
from typing import Any, Iterator, Mapping, NamedTuple, Optional, Sequence, Union

from ._buffer import Buffer
from ._files import file_words, paths_of, stream_of_files
from ._reading import PathLike, reading
from ._stream import Stream
from ._streams import Wrong
from ._task import Sample, Task

_MOST_WITH_HOLES = 1 << 31
_MOST_LINKS = 40  # from one to the next


class _Member(tarfile.TarInfo):
    """A header, or where none stands the end of the archive or an error."""

    @classmethod
    def fromtarfile(cls, archive: Any) -> Any:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if archive.offset == 0 or isinstance(error, tarfile.EOFHeaderError):
                raise
            raise _broken(error, archive.members[-1:]) from None


def _broken(error, last):
    behind = "".join(f" behind {member.name}" for member in last)
    if isinstance(error, tarfile.InvalidHeaderError):
        return tarfile.ReadError(f"it is broken{behind}: no header begins there")
    return tarfile.ReadError(f"it is cut short{behind}: no mark of its end is there")


def _split(name):
    folder, _, base = name.rpartition("/")
    stem, _, ending = base.partition(".")
    return (f"{folder}/{stem}" if folder else stem), ending


def _check_new(name, ending, parts):
    """Raise ValueError where a file would take the place of another, or of the sample's name."""
    if ending in parts:
        raise ValueError(f"there are two files {name} in it")
    if ending == "__key__":
        raise ValueError(f"the file {name} has the place of the sample's name")


def _check_holes(member):
    """Raise ValueError where a file of some bytes says that it has very many, most of them zeros."""
    if member.sparse is not None and member.size > _MOST_WITH_HOLES:
        raise ValueError(
            f"{member.name} has holes and {member.size} bytes, {_MOST_WITH_HOLES} are the most"
        )


# --- buffers --------------------------------------------------------------------------------------


def _read_at(file, start, count):
    """Bytes of an open file; the system gives at most 2 GiB at once."""
    pieces, end = [], start + count
    while start < end:
        pieces.append(os.pread(file, end - start, start))
        if not pieces[-1]:
            raise ValueError("the archive has become shorter since it was opened")
        start += len(pieces[-1])
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Place(NamedTuple):
    """Where the bytes of a file lie; of one with holes its parts, which follow each other there:
    (where it begins in the file, how many bytes)."""

    start: int
    size: int
    parts: Optional[Sequence[tuple[int, int]]]

    def stored(self) -> int:
        """How many bytes lie in the archive."""
        return self.size if self.parts is None else sum(count for _, count in self.parts)

    def read(self, file: int) -> bytes:
        """The bytes of the file."""
        if self.parts is None:
            return _read_at(file, self.start, self.size)
        pieces, at, start = [], 0, self.start
        for begin, count in self.parts:
            pieces += [bytes(begin - at), _read_at(file, start, count)]
            at, start = begin + count, start + count
        return b"".join([*pieces, bytes(self.size - at)])


def _place_of(member, size):
    """Where a file of an archive of so many bytes lies, or the name that a link leads to."""
    if not member.isreg():
        folder = posixpath.dirname(member.name) if member.issym() else ""
        return posixpath.normpath(posixpath.join(folder, member.linkname))
    _check_holes(member)
    place = _Place(member.offset_data, member.size, member.sparse)
    if place.start + place.stored() > size:
        raise ValueError(f"it ends within {member.name}")
    return place


def _followed(name, places):
    """Where the file of a name lies, behind links."""
    place = places[posixpath.normpath(name)]
    for _ in range(_MOST_LINKS):
        if not isinstance(place, str):
            return place
        if place not in places:
            raise ValueError(f"{name} is a link to {place}, which is no file in it")
        place = places[place]
    raise ValueError(f"{name} is a link that leads to no file")


class _Tar(Buffer):
    """Where the parts of each sample lie in an archive that is not packed."""

    _kind = "tar"

    def __init__(self, path: str) -> None:
        self._path = path
        self._samples: dict[str, dict[str, _Place]] = {}
        with reading(path):
            try:
                self._find(os.path.getsize(path))
            except (tarfile.TarError, ValueError):
                self._check_packed()
                raise
        if not self._samples:
            raise ValueError(f"[data] {path} has no files")
        self._keys = list(self._samples)
        self._file = open(path, "rb")

    def _find(self, size):
        places: dict[str, Union[_Place, str]] = {}
        names: dict[str, dict[str, str]] = {}
        with tarfile.open(self._path, "r:", tarinfo=_Member) as archive:
            for member in archive:
                if member.isreg() or member.islnk() or member.issym():
                    key, ending = _split(member.name)
                    parts = names.setdefault(key, {})
                    _check_new(member.name, ending, parts)
                    parts[ending] = member.name
                    places[posixpath.normpath(member.name)] = _place_of(member, size)
        for key, parts in names.items():
            self._samples[key] = {e: _followed(name, places) for e, name in parts.items()}

    def _check_packed(self):
        with open(self._path, "rb") as file:
            if file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")):
                raise ValueError("it is packed: stream_tar reads such archives") from None

    def _settings(self) -> Mapping[str, Any]:
        return {"file": file_words([self._path])}

    def __len__(self) -> int:
        return len(self._keys)

    def _load(self, i, epoch):
        key, file = self._keys[i], self._file.fileno()
        return {"__key__": key, **{e: place.read(file) for e, place in self._samples[key].items()}}

    def _task(self, i: int, epoch: int) -> Task:
        return Task(self._load, i, epoch, i)


def buffer_from_tar(file: PathLike) -> Buffer:
    """The samples of a tar archive that is not packed: files whose names are equal up to the first
    dot make one, {"__key__": name, "jpg": bytes, "cls": bytes}. A link is the file that it leads
    to.

    Args:
        file: The archive.

    Returns:
        Buffer: A sample for each name.

    Raises:
        ValueError: it is no tar archive, is packed, broken or cut short, has two files of one name,
            or a link to none

    Example:
        >>> import io, tarfile
        >>> with tarfile.open("x.tar", "w") as archive:
        ...     item = tarfile.TarInfo("a.txt")
        ...     item.size = 2
        ...     archive.addfile(item, io.BytesIO(b"hi"))
        >>> data.buffer_from_tar("x.tar")[0]
        {'__key__': 'a', 'txt': b'hi'}
    """
    return _Tar(paths_of(file)[0])


# --- streams --------------------------------------------------------------------------------------


def stream_tar(files: Union[PathLike, Sequence[PathLike]]) -> Stream:
    """The samples of tar archives, also packed ones, in their order; the files of one follow each
    other. A sample with a link is wrong: what it leads to has gone by.

    Args:
        files: An archive, or several.

    Returns:
        Stream: A sample for each name.

    Raises:
        ValueError: it is no tar archive, is broken or cut short, two files of a sample have one
            name, or one is a link

    Example:
        >>> import io, tarfile
        >>> with tarfile.open("x.tar.gz", "w:gz") as archive:
        ...     item = tarfile.TarInfo("a.txt")
        ...     item.size = 2
        ...     archive.addfile(item, io.BytesIO(b"hi"))
        >>> list(data.stream_tar("x.tar.gz"))
        [{'__key__': 'a', 'txt': b'hi'}]
    """
    return stream_of_files(files, _read_tar, {"by": "tar"})


def _read_tar(path: str) -> Iterator[Sample]:
    sample: Sample = {}
    wrong: list[str] = []  # with the sample
    with tarfile.open(path, "r|*", tarinfo=_Member) as archive:
        for member in archive:
            if not (member.isreg() or member.islnk() or member.issym()):
                continue
            key, ending = _split(member.name)
            if sample and sample["__key__"] != key:
                yield _sample_or(wrong, path, sample)
                sample, wrong = {}, []
            _check_new(member.name, ending, sample)
            sample = {**(sample or {"__key__": key}), ending: _bytes_of(archive, member, wrong)}
    if sample:
        yield _sample_or(wrong, path, sample)


def _bytes_of(archive, member, wrong):
    if not member.isreg():
        wrong.append(
            f"{member.name} is a link to {member.linkname}, which a stream cannot follow: "
            "buffer_from_tar does, in archives that are not packed"
        )
        return b""
    _check_holes(member)
    return archive.extractfile(member).read()


def _sample_or(wrong, path, sample):
    return Wrong(file=path, wrong=wrong[0]) if wrong else sample
