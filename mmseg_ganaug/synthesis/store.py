"""Generated samples on disk: a sample exists whole or not at all."""

import errno
import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Set, Union

from mmengine.logging import print_log

from mmseg_ganaug.files import remove_leftovers, write_atomically
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.synthesis.claims import Claims, StoreLocks
from mmseg_ganaug.synthesis.sample_files import (
    decode_label_map,
    decode_photo,
    encode,
    encode_photo,
    image_damage,
)
from mmseg_ganaug.synthesis.sample_maker import Sample
from mmseg_ganaug.synthesis.store_folder import (
    DESCRIPTION,
    LABEL_SUFFIX,
    LABELS,
    PHOTO_SUFFIXES,
    PHOTOS,
    PLAN,
    REPORT_SUFFIX,
    REPORTS,
    file_name,
    foreign_files,
    is_store,
    mark_store,
    numbers_in,
)


def fingerprint_of(parts: Mapping) -> str:
    """Names a set of choices.

    Args:
        parts (Mapping): What the samples depend on; JSON values only.

    Returns:
        str: The first 16 hexadecimal digits of its sha256.
    """
    text = json.dumps(parts, sort_keys=True, separators=(',', ':'))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class SampleStore:
    """Folder ``<cache_dir>/<fingerprint>`` of photos, label maps, reports and plan.

    Files are written beside their place and renamed, the photo last, so that a sample
    whose photo exists is whole, whenever the process was killed. Several processes may
    write to one store: they write the same bytes. The report of a sample holds the
    sha256 of its photo and label map, so that any change of them is found.

    Args:
        cache_dir (str | Path): Folder that holds one store per fingerprint.
        description (Mapping): What the samples depend on; its fingerprint names the
            store and it is kept there as ``store.json`` for people to read.
        photo_suffix (str): '.png' or '.jpg'. Defaults to '.png'.
    """

    def __init__(
        self,
        cache_dir: Union[str, Path],
        description: Mapping,
        photo_suffix: str = '.png',
    ) -> None:
        if photo_suffix not in PHOTO_SUFFIXES:
            raise ValueError(
                f'photos cannot be stored as {photo_suffix!r}: choose one of '
                f'{", ".join(PHOTO_SUFFIXES)}'
            )
        self.photo_suffix = photo_suffix
        self._description = dict(description, photo_suffix=photo_suffix)
        self.folder = Path(cache_dir) / fingerprint_of(self._description)
        self.photo_folder = self.folder / PHOTOS
        self.label_folder = self.folder / LABELS
        self.report_folder = self.folder / REPORTS
        self.plan_path = self.folder / PLAN
        self._folders = (self.photo_folder, self.label_folder, self.report_folder)
        self._locks = StoreLocks(self.folder)
        self._plan_text: Optional[str] = None

    @classmethod
    def opened(cls, folder: Union[str, Path]) -> 'SampleStore':
        """Opens a store that is there, by the description in it.

        Args:
            folder (str | Path): Its folder.

        Raises:
            OSError: When it has no description.
            ValueError: When the description is damaged, or is that of another store.
        """
        place = Path(folder)
        description = json.loads((place / DESCRIPTION).read_bytes())
        store = cls(place.parent, description, description.pop('photo_suffix'))
        if store.folder.name != place.name:
            raise ValueError(f'{place / DESCRIPTION} describes another store')
        return store

    def prepare(self, plan_text: str) -> None:
        """Makes the folders, writes the plan, and removes what killed processes left.

        Args:
            plan_text (str): The plan as JSON lines.

        Raises:
            InTheWayError: When the folder holds files that are not of a store.
            OSError: When the folder cannot be written; says which.
        """
        self._plan_text = plan_text
        with self._locks.alone():
            self._lay_out()
        self._remove_leftovers()

    @contextmanager
    def filling(self) -> Iterator[Claims]:
        """Keeps other processes from removing the store while samples are made.

        Yields:
            Claims: Of batches of its samples.
        """
        with self._locks.filling(self._lay_out) as claims:
            try:
                yield claims
            finally:
                # Of processes that were killed meanwhile, whose work was done here.
                self._remove_leftovers()

    def _remove_leftovers(self) -> None:
        for folder in (self.folder.parent, self.folder, *self._folders):
            remove_leftovers(folder)

    def _lay_out(self) -> None:
        """Writes what a store holds beside samples, where it is missing or damaged."""
        if self.folder.is_dir() and not is_store(self.folder):
            foreign = foreign_files(self.folder)
            if foreign:
                raise InTheWayError(foreign, 'choose another cache_dir')
        try:
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
            if not is_store(self.folder):
                mark_store(self.folder)
            # Found now rather than when the first samples are painted.
            if not all(os.access(folder, os.W_OK) for folder in self._folders):
                raise PermissionError(errno.EACCES, 'it cannot be written')
        except OSError as error:
            raise OSError(
                error.errno,
                f'generated samples cannot be stored in {self.folder} '
                f'({error.strerror}): choose another cache_dir',
            ) from error
        description = json.dumps(self._description, indent=2, sort_keys=True)
        self._restore(self.folder / DESCRIPTION, description + '\n')
        if self._plan_text is not None:
            self._restore(self.plan_path, self._plan_text)

    def _restore(self, path: Path, text: str) -> None:
        content = text.encode()
        if not path.is_file() or path.read_bytes() != content:
            self._write(path, content)

    def present(self) -> Set[int]:
        """Finds the samples that exist.

        Returns:
            set[int]: Their indices.
        """
        photos = numbers_in(self.photo_folder, self.photo_suffix)
        return photos & numbers_in(self.label_folder, LABEL_SUFFIX)

    def holds(self, index: int) -> bool:
        """Returns whether a sample exists."""
        # The photo is written last.
        return os.path.exists(self.photo_path(index)) and os.path.exists(
            self.label_path(index)
        )

    def missing(self, num_samples: int) -> List[int]:
        """Finds the samples of a plan that have still to be made.

        Args:
            num_samples (int): Number of samples of the plan.

        Returns:
            list[int]: Their indices in rising order.
        """
        present = self.present()
        return [index for index in range(num_samples) if index not in present]

    def sample_bytes(self, index: int) -> int:
        """Returns the disk space of a sample in bytes."""
        return sum(
            os.path.getsize(path)
            for path in (self.photo_path(index), self.label_path(index))
        )

    def free_bytes(self) -> int:
        """Returns the free disk space in bytes, where the folder is or will be."""
        folder = self.folder.resolve()
        there = next(path for path in (folder, *folder.parents) if path.exists())
        return shutil.disk_usage(there).free

    def discard_damaged(self, num_classes: int, ignore_index: int) -> List[str]:
        """Reads every sample and removes those that cannot be used, to be made again.

        A file that is not the one that was written is damaged, be it one bit.

        Args:
            num_classes (int): Number of classes, C.
            ignore_index (int): Label value of pixels that belong to no class.

        Returns:
            list[str]: What was wrong with each of them; names the file.

        Raises:
            OSError: When a damaged sample cannot be removed.
        """
        present = sorted(self.present())
        problems = []

        def discard(index: int) -> Optional[str]:
            problem = self._problem(index, num_classes, ignore_index)
            if problem is not None:
                # Without its photo a sample does not exist.
                Path(self.photo_path(index)).unlink(missing_ok=True)
            return problem

        title = f'Reading the samples in {self.folder}'
        with Progress(title, len(present)) as progress, ThreadPoolExecutor() as pool:
            for problem in pool.map(discard, present):
                if problem is not None:
                    problems.append(problem)
                progress.update()
        return problems

    def _problem(
        self, index: int, num_classes: int, ignore_index: int
    ) -> Optional[str]:
        """Finds what is wrong with a sample; None if nothing is."""
        path: Union[str, Path] = self._report_path(index)
        try:
            written = self._record(index)
            path = self.label_path(index)
            label_map = decode_label_map(self._content(path, 'label_map', written))
            path = self.photo_path(index)
            photo = decode_photo(
                self._content(path, 'photo', written), label_map.shape[0]
            )
        except ValueError as error:
            return f'{path} {error}'
        except OSError as error:
            return f'{path} cannot be read ({error.strerror})'
        path = self.label_path(index)
        if label_map.shape != photo.shape[:2]:
            return (
                f'{path} is {label_map.shape}, but its photo {photo.shape[:2]} '
                '(height, width)'
            )
        wrong = (label_map >= num_classes) & (label_map != ignore_index)
        if wrong.any():
            value = int(label_map[wrong][0])
            return f'{path} holds values that are no classes, such as {value}'
        return None

    @staticmethod
    def _content(path: str, part: str, written: Optional[Dict]) -> bytes:
        """Reads a file of a sample; raises ValueError where it is another one."""
        content = Path(path).read_bytes()
        damage = image_damage(content)
        if damage:  # says more than that it differs
            raise ValueError(damage)
        if written is not None and written[part] != _sha256(content):
            raise ValueError('is not the file that was written')
        return content

    def photo_path(self, index: int) -> str:
        """Returns the path of a photo."""
        return str(self.photo_folder / file_name(index, self.photo_suffix))

    def label_path(self, index: int) -> str:
        """Returns the path of a label map."""
        return str(self.label_folder / file_name(index, LABEL_SUFFIX))

    def _report_path(self, index: int) -> Path:
        return self.report_folder / file_name(index, REPORT_SUFFIX)

    def write(self, index: int, sample: Sample) -> None:
        """Adds a sample.

        Args:
            index (int): Its index in the plan.
            sample (Sample): Photo, label map (class ids from 0 on) and report.

        Raises:
            OSError: When the disk is full, or the store was removed; says what to do.
                Nothing half-written stays.
        """
        label_map = encode(sample.label_map, LABEL_SUFFIX)
        photo = encode_photo(sample.photo, self.photo_suffix)
        record = dict(
            label_map=_sha256(label_map), photo=_sha256(photo), report=sample.report
        )
        text = json.dumps(dict(record, fingerprint=fingerprint_of(record))) + '\n'
        self._write(self._report_path(index), text.encode())
        self._write(Path(self.label_path(index)), label_map)
        self._write(Path(self.photo_path(index)), photo)

    def reports(self) -> Iterator[Dict]:
        """Reads what compositing and filters did to the samples that have a report.

        Yields:
            dict: See :class:`~mmseg_ganaug.synthesis.sample_maker.Sample`.
        """
        for index in sorted(numbers_in(self.report_folder, REPORT_SUFFIX)):
            try:
                record = self._record(index)
            except ValueError as error:
                print_log(
                    f'{self._report_path(index)} {error} and is left out: '
                    'ganaug synthesize CONFIG --verify makes it again',
                    logger='current',
                )
                continue
            if record is not None and record['report'] is not None:
                yield record['report']

    def _record(self, index: int) -> Optional[Dict]:
        """Reads what was recorded of a sample when it was written, or None."""
        try:
            record = json.loads(self._report_path(index).read_bytes())
            whole = record.pop('fingerprint') == fingerprint_of(record)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):  # JSON of any kind
            whole = False
        if not whole:
            raise ValueError('is damaged')
        return record

    def _write(self, path: Path, content: bytes) -> None:
        # Created again, the folder would hold this sample alone.
        if not path.parent.is_dir():
            raise OSError(
                errno.ENOENT,
                f'the folder {path.parent} was removed while samples were made: start '
                'again, and they are made again',
            )
        try:
            write_atomically(path, content)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                problem = (
                    f'the disk of {self.folder} is full '
                    f'({self.free_bytes() / 2**20:.0f} MiB free, one sample takes '
                    f'about {len(content) / 2**20:.2f} MiB): make room'
                )
            else:
                problem = (
                    f'{path} cannot be written ({error.strerror}): make its folder '
                    'writable'
                )
            raise OSError(
                error.errno,
                f'{problem} or choose another cache_dir, then start again; the '
                'samples made so far are kept',
            ) from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
