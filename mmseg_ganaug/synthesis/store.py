"""Generated samples on disk: a sample exists whole or not at all."""

import errno
import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Set, Union

import cv2
import numpy as np
from PIL import Image

from mmseg_ganaug.atomic_write import remove_leftovers, write_atomically
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.synthesis.sample_maker import Sample

_PHOTO_SUFFIXES = ('.png', '.jpg')
_LABEL_SUFFIX = '.png'


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
    write to one store: they write the same bytes.

    Args:
        cache_dir (str | Path): Folder that holds one store per fingerprint.
        description (Mapping): What the samples depend on; its fingerprint names the
            store and it is kept there as ``store.json`` for people to read.
        photo_suffix (str): '.png' or '.jpg'. Defaults to '.png'.
        reduce_zero_label (bool): Whether label files hold class ids from 1 on and 0
            for pixels of no class, as MMSeg's ``reduce_zero_label`` reads them.
            Defaults to False.
    """

    def __init__(
        self,
        cache_dir: Union[str, Path],
        description: Mapping,
        photo_suffix: str = '.png',
        reduce_zero_label: bool = False,
    ) -> None:
        if photo_suffix not in _PHOTO_SUFFIXES:
            raise ValueError(
                f'photos cannot be stored as {photo_suffix!r}: choose one of '
                f'{", ".join(_PHOTO_SUFFIXES)}'
            )
        self.photo_suffix = photo_suffix
        self.label_suffix = _LABEL_SUFFIX
        self._reduce_zero_label = reduce_zero_label
        self._description = dict(
            description, photo_suffix=photo_suffix, reduce_zero_label=reduce_zero_label
        )
        self.folder = Path(cache_dir) / fingerprint_of(self._description)
        self.photo_folder = self.folder / 'images'
        self.label_folder = self.folder / 'labels'
        self.report_folder = self.folder / 'reports'
        self._folders = (self.photo_folder, self.label_folder, self.report_folder)
        self.claims_path = self.folder / 'claims.lock'
        self.plan_path = self.folder / 'plan.jsonl'

    def prepare(self, plan_text: str) -> None:
        """Makes the folders, writes the plan, and clears what dead processes left.

        Args:
            plan_text (str): The plan as JSON lines.

        Raises:
            OSError: When the folder cannot be written; says which.
        """
        try:
            for folder in self._folders:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                error.errno,
                f'generated samples cannot be stored in {self.folder} '
                f'({error.strerror}): choose another cache_dir',
            ) from error
        for folder in (self.folder, *self._folders):
            remove_leftovers(folder)
        description = json.dumps(self._description, indent=2, sort_keys=True)
        for path, text in (
            (self.folder / 'store.json', description + '\n'),
            (self.plan_path, plan_text),
        ):
            if not path.exists():
                self._write(path, text.encode())

    def present(self) -> Set[int]:
        """Looks up which samples exist.

        Returns:
            set[int]: Their indices.
        """
        photos = _numbers(self.photo_folder, self.photo_suffix)
        return photos & _numbers(self.label_folder, self.label_suffix)

    def holds(self, index: int) -> bool:
        """Whether a sample exists."""
        # The photo is written last.
        return os.path.exists(self.photo_path(index)) and os.path.exists(
            self.label_path(index)
        )

    def missing(self, num_samples: int) -> List[int]:
        """Looks up which samples have still to be made.

        Args:
            num_samples (int): Number of samples of the plan.

        Returns:
            list[int]: Their indices in rising order.
        """
        present = self.present()
        return [index for index in range(num_samples) if index not in present]

    def sample_bytes(self, index: int) -> int:
        """Disk space of a sample, in bytes."""
        return sum(
            os.path.getsize(path)
            for path in (self.photo_path(index), self.label_path(index))
        )

    def free_bytes(self) -> int:
        """Disk space that is left, in bytes."""
        return shutil.disk_usage(self.folder).free

    def discard_damaged(self, num_classes: int, ignore_index: int) -> List[str]:
        """Reads every sample and removes those that cannot be used, to be made again.

        Args:
            num_classes (int): Number of classes, C.
            ignore_index (int): Label value of pixels that belong to no class.

        Returns:
            list[str]: What was wrong with each of them; names the file.
        """
        present = sorted(self.present())
        problems = []

        def problem_of(index: int) -> Optional[str]:
            return self._problem(index, num_classes, ignore_index)

        title = f'Reading the samples in {self.folder}'
        with Progress(title, len(present)) as progress, ThreadPoolExecutor() as pool:
            for index, problem in zip(present, pool.map(problem_of, present)):
                if problem is not None:
                    problems.append(problem)
                    # Without its photo a sample does not exist.
                    os.unlink(self.photo_path(index))
                progress.update()
        return problems

    def _problem(
        self, index: int, num_classes: int, ignore_index: int
    ) -> Optional[str]:
        """What is wrong with a sample, or None."""
        sizes = []
        for path in (self.photo_path(index), self.label_path(index)):
            try:
                with Image.open(path) as image:
                    image.load()  # unlike OpenCV, it does not pass over missing parts
                    sizes.append(image.size)
                    pixels = np.asarray(image)
            except (OSError, SyntaxError) as error:
                return f'{path} cannot be read ({error})'
        if sizes[0] != sizes[1]:
            return f'{path} is {sizes[1]}, but its photo {sizes[0]} (width, height)'
        if self._reduce_zero_label:
            pixels = pixels - np.uint8(1)  # 0, no class, wraps to 255
        wrong = (pixels >= num_classes) & (pixels != ignore_index)
        if pixels.ndim != 2 or wrong.any():
            return f'{path} holds values that are no classes'
        return None

    def photo_path(self, index: int) -> str:
        """Path of a photo."""
        return str(self.photo_folder / f'{index:08d}{self.photo_suffix}')

    def _report_path(self, index: int) -> Path:
        return self.report_folder / f'{index:08d}.json'

    def label_path(self, index: int) -> str:
        """Path of a label map."""
        return str(self.label_folder / f'{index:08d}{self.label_suffix}')

    def write(self, index: int, sample: Sample) -> None:
        """Adds a sample.

        Args:
            index (int): Its index in the plan.
            sample (Sample): Photo, label map (class ids from 0 on) and report.

        Raises:
            OSError: When the disk is full: says what is needed. Nothing half-written
                stays.
        """
        label_map = sample.label_map
        if self._reduce_zero_label:
            label_map = label_map + np.uint8(1)  # 255, no class, wraps to 0
        if sample.report is not None:
            text = json.dumps(sample.report) + '\n'
            self._write(self._report_path(index), text.encode())
        self._write(Path(self.label_path(index)), _encode(label_map, _LABEL_SUFFIX))
        photo = _encode(sample.photo[..., ::-1], self.photo_suffix)
        self._write(Path(self.photo_path(index)), photo)

    def reports(self) -> Iterator[Dict]:
        """What compositing and filters did, for each sample that has such a report.

        Yields:
            dict: See :class:`~mmseg_ganaug.synthesis.sample_maker.Sample`.
        """
        for path in sorted(self.report_folder.glob('[0-9]*.json')):
            yield json.loads(path.read_text(encoding='utf-8'))

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            free = self.free_bytes()
            raise OSError(
                error.errno,
                f'the disk of {self.folder} is full ({free / 2**20:.0f} MiB free, one '
                f'sample takes about {len(content) / 2**20:.2f} MiB): make room or '
                'choose another cache_dir, then start again; the samples made so far '
                'are kept',
            ) from error


def find_stores(cache_dir: Union[str, Path]) -> Dict[Path, int]:
    """Looks for stores in a cache folder.

    Args:
        cache_dir (str | Path): The folder.

    Returns:
        dict[Path, int]: The folder of each store, and its size in bytes.
    """
    folders = sorted(path.parent for path in Path(cache_dir).glob('*/store.json'))
    return {
        folder: sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())
        for folder in folders
    }


def _numbers(folder: Path, suffix: str) -> Set[int]:
    """Numbers of the files of that suffix in a folder."""
    if not folder.is_dir():
        return set()
    return {
        int(entry.name[: -len(suffix)])
        for entry in os.scandir(folder)
        if entry.name.endswith(suffix) and entry.name[0] != '.'
    }


def _encode(image: np.ndarray, suffix: str) -> bytes:
    # Level 1 is several times faster than the default and hardly larger on photos.
    options = {'.png': [cv2.IMWRITE_PNG_COMPRESSION, 1], '.jpg': []}[suffix]
    return cv2.imencode(suffix, np.ascontiguousarray(image), options)[1].tobytes()
