"""Photos that were painted elsewhere, by the ID of their sample."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
from mmengine.logging import print_log
from PIL import Image

from mmseg_ganaug.option_checks import check_path, check_share
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.synthesis.generator import Generator, PaintContext, PlannedSample
from mmseg_ganaug.synthesis.sample_files import image_damage

_SUFFIXES = ('.png', '.jpg', '.jpeg')
_NAMED = 5
#: What is wrong with photos, and what to do about it.
_REMEDIES = {
    'missing': 'paint them; export-plan --missing lists them',
    'duplicate': 'keep one file of each ID',
    'damaged': 'copy or paint them again',
    'of another mode': 'save them as RGB of 8 bits, without transparency',
    'of another size': 'paint each at the size of its label map',
    'extra': 'not used; another plan, seed, scale or data has other IDs',
}


class TooFewPhotosError(ValueError):
    """Too few photos of a plan are there.

    Attributes:
        lacking: IDs of those that are not, or cannot be used.
    """

    def __init__(self, message: str, lacking: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.lacking = list(lacking)


class _Photo(NamedTuple):
    path: Path
    digest: str


@GENERATORS.register_module()
class PaintedFolder(Generator):
    """Takes photos that something else has painted, by ID.

    ``export-plan`` writes the label maps that are to be painted; the photo of each is
    ``ID.png`` or ``ID.jpg`` in one folder: RGB, 8 bits, of the size of its label map.
    Samples whose photo lacks or cannot be used are left out of the plan, and are named
    in the log, with what to do. The fingerprint is that of the photos used.

    It paints no other maps, so not online, not in windows, and no replacements of
    samples that a filter drops unless their photos are there, too.

    Args:
        folder (str): Where the photos are.
        min_share (float): Share (0..1) of the plan's photos that has to be there.
            Defaults to 0.9.

    Raises:
        ValueError: When an option is of the wrong type or outside its range.
    """

    #: For the IDs.
    uses_context = True

    def __init__(self, folder: str, min_share: float = 0.9) -> None:
        self._folder = Path(check_path(self, 'folder', folder))
        self._min_share = check_share(self, 'min_share', min_share)
        self._photos: Dict[str, _Photo] = {}

    def lacking(self, samples: Sequence[PlannedSample], needed: int) -> List[int]:
        """Finds the samples without a photo that can be used, and logs why.

        Args:
            samples (Sequence[PlannedSample]): Of the plan, then their replacements.
            needed (int): How many are of the plan.

        Returns:
            list[int]: Their numbers.

        Raises:
            TooFewPhotosError: When less than ``min_share`` of the plan can be used.
        """
        if not self._folder.is_dir():
            raise TooFewPhotosError(
                f'PaintedFolder: there is no folder {self._folder}: write the label '
                'maps by export-plan, have them painted, and set folder to where the '
                'photos are',
                [sample.id for sample in samples[:needed]],
            )
        files: Dict[str, List[Path]] = {}
        for path in sorted(self._folder.iterdir()):
            if path.suffix.lower() in _SUFFIXES:
                files.setdefault(path.stem, []).append(path)
        problems: Dict[str, List[str]] = {kind: [] for kind in _REMEDIES}
        self._photos, lacking = {}, []
        title = f'Reading the photos in {self._folder}'
        with Progress(title, len(samples)) as progress, ThreadPoolExecutor() as pool:

            def look(sample: PlannedSample) -> Tuple[Optional[_Photo], str, str]:
                return _find(sample, files.get(sample.id, []))

            for number, (photo, kind, what) in enumerate(pool.map(look, samples)):
                if photo is not None:
                    self._photos[samples[number].id] = photo
                else:
                    lacking.append(number)
                    if number < needed or kind != 'missing':
                        problems[kind].append(what)
                progress.update()
        known = {sample.id for sample in samples}
        problems['extra'] = [
            str(path) for name in files if name not in known for path in files[name]
        ]
        used = needed - sum(number < needed for number in lacking)
        report = '\n'.join(
            [
                f'{used} of {needed} photos of the plan are used from {self._folder}',
                *(_line(kind, found) for kind, found in problems.items() if found),
            ]
        )
        if used < max(1, self._min_share * needed):
            raise TooFewPhotosError(
                f'{report}\nThat is less than min_share={self._min_share}: bring the '
                'photos, or set min_share lower to train on those that are there',
                [samples[number].id for number in lacking if number < needed],
            )
        print_log(report, logger='current')
        return lacking

    def fingerprint(self) -> str:
        """Names the folder, and a digest of the photos that :meth:`lacking` found."""
        digest = hashlib.sha256()
        for sample_id in sorted(self._photos):
            digest.update(f'{sample_id} {self._photos[sample_id].digest}\n'.encode())
        return (
            f'PaintedFolder {self._folder.name}: {len(self._photos)} photos, sha256 '
            f'{digest.hexdigest()}'
        )

    def paint(
        self,
        labels: np.ndarray,
        instances: Optional[np.ndarray] = None,
        context: Optional[PaintContext] = None,
    ) -> np.ndarray:
        """Reads the photos of samples; see :class:`Generator`.

        Raises:
            ValueError: When a photo is not there, is damaged, or is not of the size of
                its label map.
        """
        assert context is not None, 'it uses a context'
        return np.stack(
            [self._read(name, each.shape) for name, each in zip(context.ids, labels)]
        )

    def _read(self, sample_id: str, shape: Tuple[int, ...]) -> np.ndarray:
        if sample_id not in self._photos:
            raise ValueError(
                f'PaintedFolder: {self._folder} holds no photo of {sample_id}: it '
                'paints the samples of a GANRecomposeDataset alone, and not online'
            )
        path, digest = self._photos[sample_id]
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise ValueError(f'{path} was changed meanwhile: start again')
        try:
            photo = np.asarray(Image.open(io.BytesIO(content)).convert('RGB'))
        except OSError as error:
            raise ValueError(
                f'{path} cannot be decoded ({error}): {_REMEDIES["damaged"]}'
            ) from error
        if photo.shape[:2] != shape:
            raise ValueError(
                f'{path} is a whole photo of {photo.shape[:2]}, but {shape} (height, '
                'width) is to be painted: leave windows out of composite'
            )
        return photo


def _find(
    sample: PlannedSample, paths: Sequence[Path]
) -> Tuple[Optional[_Photo], str, str]:
    """Finds the photo of a sample; else what kind of problem there is, and the text."""
    if len(paths) != 1:
        names = ', '.join(map(str, paths))
        return None, 'duplicate' if paths else 'missing', names or sample.id
    path = paths[0]
    try:
        content = path.read_bytes()
        damage = image_damage(content)
        if damage:
            raise ValueError(damage)
        image = Image.open(io.BytesIO(content))
    except (OSError, ValueError) as error:
        return None, 'damaged', f'{path} ({error})'
    # Pillow does not tell PNGs of 16 bits by their mode.
    bits = content[24] if image.format == 'PNG' else 8
    if image.mode != 'RGB' or bits != 8:
        return None, 'of another mode', f'{path} ({image.mode}, {bits} bits)'
    height, width = sample.size
    if image.size != (width, height):
        size = '{} x {}'.format(*image.size)
        return None, 'of another size', f'{path} ({size}, not {width} x {height})'
    return _Photo(path, hashlib.sha256(content).hexdigest()), '', ''


def _line(kind: str, found: Sequence[str]) -> str:
    named = ', '.join(found[:_NAMED])
    more = f' and {len(found) - _NAMED} more' if len(found) > _NAMED else ''
    return f'  {len(found)} {kind}: {named}{more}: {_REMEDIES[kind]}'
