"""Looks at every file of a data set once, and keeps what was found."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

import mmengine.fileio as fileio
import numpy as np
from mmengine.logging import print_log

from mmseg_ganaug.datasets.file_records import (
    Content,
    FileRecords,
    Finding,
    opened_files,
    state_of,
)
from mmseg_ganaug.datasets.image_files import check_label_file, check_photo_file
from mmseg_ganaug.datasets.image_headers import ImageFormat, unreadable
from mmseg_ganaug.datasets.label_files import is_remote, missing_file
from mmseg_ganaug.datasets.reading import PipelineReader
from mmseg_ganaug.files import evenly_spread
from mmseg_ganaug.progress import Progress

_CHUNK = 64
_TRIED = 4
_NAMED = 4
_NO_DATA = ('.py', '.pyc', '.so')


class SampleFile(NamedTuple):
    """A label map or a photo of a sample.

    Attributes:
        path: Its file.
        backend_args: MMEngine's file backend.
        reader: Of its data set.
        info: Data info of the sample.
    """

    path: str
    backend_args: Optional[dict]
    reader: PipelineReader
    info: dict

    @property
    def is_remote(self) -> bool:
        """Checks whether the file has to be fetched from somewhere."""
        return is_remote(self.path, self.backend_args, *self.reader.backends)


class _Kind(NamedTuple):
    """Differences between label maps and photos in a survey.

    Attributes:
        name: For messages.
        records: Names what is kept of them; another where what is found changes.
        size_of: Width and height as MMSeg loads them.
    """

    name: str
    records: str
    size_of: Callable[[ImageFormat], Tuple[int, int]]
    is_stock: Callable[[PipelineReader], bool]
    check: Callable[[bytes, str], ImageFormat]
    load: Callable[[SampleFile], np.ndarray]


_LABELS = _Kind(
    'label maps',
    'label maps as stored',
    # Pillow, with which they are loaded, does not turn them by their EXIF tags.
    lambda found: (found.width, found.height),
    lambda reader: reader.stock_labels,
    check_label_file,
    lambda file: file.reader.label_map(file.info),
)
_PHOTOS = _Kind(
    'photos',
    'photos',
    lambda found: found.shown_size,
    lambda reader: reader.stock_photos,
    check_photo_file,
    lambda file: file.reader.photo(file.info),
)


def survey_labels(files: Sequence[SampleFile]) -> List[Content]:
    """Checks label maps, and names their contents.

    Files that MMSeg's own transform reads are known by their bytes, and checked to be
    whole and without loss; what another transform makes of one or several files, by
    the label map that it gives. Files that are known already, see
    :class:`~mmseg_ganaug.datasets.file_records.FileRecords`, are not read again, and
    remote ones are known by name alone.

    Args:
        files (Sequence[SampleFile]): The label maps.

    Returns:
        list[Content]: Of each; ``facts['size']`` is width and height in pixels.

    Raises:
        MissingFileError: When files are missing.
        ValueError: When files cannot be used; names them.
    """
    return _survey(files, _LABELS)


def survey_photos(files: Sequence[SampleFile]) -> List[Content]:
    """Decodes all photos, and names their contents; see :func:`survey_labels`."""
    return _survey(files, _PHOTOS)


def digest_of_files(
    files: Sequence[SampleFile], contents: Sequence[Content], settings: Sequence = ()
) -> str:
    """Computes a digest of contents, of names relative to their folder, and of reading.

    Args:
        files (Sequence[SampleFile]): Photos or label maps.
        contents (Sequence[Content]): Of each, see :func:`survey_labels`.
        settings (Sequence): What else counts.

    Returns:
        str: sha256 in hexadecimal.
    """
    readers = dict.fromkeys(file.reader.fingerprint() for file in files)
    text = json.dumps([list(readers), repr(list(settings))])
    digest = hashlib.sha256(text.encode())
    # By characters: up to the last folder that all names have in common.
    common = os.path.commonprefix([file.path for file in files])  # noqa: RUF071
    common = common[: common.rfind('/') + 1]
    for file, content in zip(files, contents):
        name = file.path[len(common) :].encode(errors='surrogateescape')
        digest.update(name + b'\0' + content.digest.encode())
    return digest.hexdigest()


def _survey(files: Sequence[SampleFile], kind: _Kind) -> List[Content]:
    found: Dict[str, Content] = {}
    readers = {id(file.reader): file.reader for file in files if not file.is_remote}
    for reader in readers.values():
        mine = {
            file.path: file
            for file in files
            if file.reader is reader and not file.is_remote
        }
        found.update(_survey_of_reader(reader, mine, kind))
    return [
        Content(_digest(file.path.encode(errors='surrogateescape')), {})
        if file.is_remote
        else found[file.path]
        for file in files
    ]


def _survey_of_reader(
    reader: PipelineReader, files: Dict[str, SampleFile], kind: _Kind
) -> Dict[str, Content]:
    records = FileRecords(f'{kind.records} {_digest(reader.fingerprint().encode())}')
    found = records.known(list(files))
    stock = kind.is_stock(reader)
    if not stock and _reads_otherwise(files, found, kind):
        print_log(
            f'The {kind.name} are read again: their loading transform gives another '
            'result than before',
            logger='current',
        )
        records.forget()
        found = {}
    missing = [file for path, file in files.items() if path not in found]
    if not missing:
        return found
    failures: List[Tuple[str, ValueError]] = []
    chunk_of = _chunk_of_bytes if stock else _chunk_of_arrays
    with Progress(f'Checking {kind.name}', len(missing)) as progress:
        for start in range(0, len(missing), _CHUNK):
            chunk = missing[start : start + _CHUNK]
            findings = chunk_of(chunk, records, kind, failures)
            records.keep(findings)
            found.update({finding.name: finding.content for finding in findings})
            progress.update(len(chunk))
    if failures:
        raise _joined(failures, kind)
    return found


def _chunk_of_bytes(
    files: Sequence[SampleFile],
    records: FileRecords,
    kind: _Kind,
    failures: List[Tuple[str, ValueError]],
) -> List[Finding]:
    """Reads files of which each holds one image."""

    def read(file: SampleFile) -> Tuple[str, bytes, str]:
        state = state_of([file.path])
        content = fileio.get(file.path, backend_args=file.backend_args)
        return state, content, _digest(content)

    def examine(item: Tuple[SampleFile, Tuple[str, bytes, str]]) -> Finding:
        file, (state, content, digest) = item
        if digest in known:
            return Finding(file.path, state, known[digest])
        size = kind.size_of(kind.check(content, file.path))
        return Finding(file.path, state, Content(digest, {'size': list(size)}))

    with ThreadPoolExecutor() as pool:
        read_files = _attempted(pool.map(_caught(read), files), files, failures)
        digests = [digest for _, (_, _, digest) in read_files]
        known = records.contents(digests)
        examined = pool.map(_caught(examine), read_files)
        files = [file for file, _ in read_files]
        return [finding for _, finding in _attempted(examined, files, failures)]


def _chunk_of_arrays(
    files: Sequence[SampleFile],
    records: FileRecords,
    kind: _Kind,
    failures: List[Tuple[str, ValueError]],
) -> List[Finding]:
    """Loads what own transforms read, in this thread alone: theirs may need that."""

    def load(file: SampleFile) -> Finding:
        before = state_of([file.path])
        with opened_files() as opened:
            content = _loaded(file, kind)
        paths = sorted(path for path in opened if not path.endswith(_NO_DATA))
        state = state_of([file.path, *(p for p in paths if p != file.path)])
        return Finding(file.path, state if before else '', content)

    loaded = map(_caught(load), files)
    return [finding for _, finding in _attempted(loaded, files, failures)]


def _loaded(file: SampleFile, kind: _Kind) -> Content:
    array = kind.load(file)
    name = f'{array.dtype} {array.shape} '.encode()
    digest = _digest(name + np.ascontiguousarray(array).tobytes())
    return Content(digest, {'size': [array.shape[1], array.shape[0]]})


def _reads_otherwise(
    files: Dict[str, SampleFile], known: Dict[str, Content], kind: _Kind
) -> bool:
    """Tries some known files again, since code that a transform uses may change."""
    paths = list(known)
    return any(
        _loaded(files[paths[place]], kind).digest != known[paths[place]].digest
        for place in evenly_spread(len(paths), _TRIED)
    )


def _caught(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns the error of an item in the place of its result."""

    def attempt(item: Any) -> Any:
        try:
            return function(item)
        except (OSError, ValueError, SyntaxError) as error:
            return error

    return attempt


def _attempted(
    results: Any, files: Sequence[SampleFile], failures: List[Tuple[str, ValueError]]
) -> List[Tuple[SampleFile, Any]]:
    """Separates results from errors, which are added to the failures."""
    good = []
    for file, result in zip(files, results):
        if isinstance(result, FileNotFoundError):
            failures.append((file.path, missing_file(file.path)))
        elif isinstance(result, ValueError):
            failures.append((file.path, result))
        elif isinstance(result, Exception):
            failures.append((file.path, unreadable(file.path, result)))
        else:
            good.append((file, result))
    return good


def _joined(failures: Sequence[Tuple[str, ValueError]], kind: _Kind) -> ValueError:
    first = failures[0][1]
    if len(failures) == 1:
        return first
    others = ', '.join(path for path, _ in failures[1 : 1 + _NAMED])
    others += ', ...' if len(failures) > 1 + _NAMED else ''
    return type(first)(
        f'{first} ({len(failures) - 1} more of the {kind.name} cannot be used: '
        f'{others})'
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
