"""Reads every photo and mask once, and keeps what was found."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Dict, List, Sequence, Set, Union

from PIL import Image

from mmseg_ganaug.atomic_write import write_atomically
from mmseg_ganaug.datasets.folder_pairs import Pair
from mmseg_ganaug.datasets.label_files import (
    ImageHeader,
    check_photo_size,
    read_header,
    unreadable,
)
from mmseg_ganaug.datasets.mask_formats import (
    MOST_VALUES,
    MaskContent,
    check_not_blended,
    inspect_mask,
)
from mmseg_ganaug.progress import Progress

# Of what is kept: entries of another version are read anew.
_VERSION = 1


@dataclass(frozen=True)
class MaskSurvey:
    """What the masks of a data set hold.

    Args:
        pairs (Sequence[Pair]): Photos and masks.
        contents (Sequence[MaskContent]): Of each mask.
        digest (str): Names the files by path, size and time of change.
    """

    pairs: Sequence[Pair]
    contents: Sequence[MaskContent]
    digest: str

    @cached_property
    def by_colour(self) -> bool:
        """Whether values are colours: there are colour files, or palettes differ."""
        colours: Dict[int, int] = {}
        return any(
            content.is_colour
            or any(colours.setdefault(v, c) != c for v, c in content.palette.items())
            for content in self.contents
        )

    def pixels(self, by_colour: bool) -> List[Dict[int, int]]:
        """Pixels of each value in each mask.

        Args:
            by_colour (bool): Whether values are colours 0xRRGGBB, those of palettes
                included, or ids 0..255.
        """
        if by_colour:
            return self._colours
        return [content.pixels for content in self.contents]

    @cached_property
    def _colours(self) -> List[Dict[int, int]]:
        counted = []
        for content in self.contents:
            pixels: Dict[int, int] = {}
            for value, count in content.pixels.items():
                colour = content.colour(value)
                pixels[colour] = pixels.get(colour, 0) + count
            counted.append(pixels)
        return counted

    def values(self, by_colour: bool) -> Set[int]:
        """The values that occur in any mask."""
        return set().union(*self.pixels(by_colour))

    def first_mask_with(self, value: int, by_colour: bool) -> Path:
        """The first mask that shows a value."""
        for pair, pixels in zip(self.pairs, self.pixels(by_colour)):
            if value in pixels:
                return pair.mask
        raise KeyError(value)


def survey_masks(pairs: Sequence[Pair], kept: Union[str, Path]) -> MaskSurvey:
    """Reads all photos and masks, with a progress bar, and checks them.

    Args:
        pairs (Sequence[Pair]): Photos and masks.
        kept (str | Path): JSON file that keeps what was found, so that files that have
            not changed are not read again.

    Returns:
        MaskSurvey: What the masks hold.

    Raises:
        ValueError: When a file is damaged, a photo has another size than its mask, a
            file is no mask, or all masks together hold too many or too thin values to
            be masks. Names the file, and says what to do.
    """
    signatures = [_signature(pair) for pair in pairs]
    known = _load(Path(kept))
    missing = [i for i, signature in enumerate(signatures) if signature not in known]
    if missing:
        pool = ThreadPoolExecutor()
        with Progress('Reading photos and masks', len(missing)) as progress:
            try:
                found = pool.map(_inspect, [pairs[i] for i in missing])
                for i, content in zip(missing, found):
                    known[signatures[i]] = content
                    progress.update()
            finally:
                pool.shutdown(cancel_futures=True)
                _save(Path(kept), known, signatures)
    contents = [known[signature] for signature in signatures]
    digest = hashlib.sha256('\n'.join(signatures).encode()).hexdigest()
    survey = MaskSurvey(pairs, contents, digest)
    _check_together(survey)
    return survey


def _signature(pair: Pair) -> str:
    parts = []
    for path in (pair.photo, pair.mask):
        status = path.stat()
        parts.append(f'{path.resolve()} {status.st_size} {status.st_mtime_ns}')
    return ' '.join(parts)


def _inspect(pair: Pair) -> MaskContent:
    content = inspect_mask(pair.mask)
    photo = read_header(str(pair.photo))
    label = ImageHeader(str(pair.mask), content.mode, content.size, content.size)
    check_photo_size(photo, label)
    try:
        with Image.open(pair.photo) as image:
            # A JPEG is read whole, but only an eighth of its size is worked out.
            image.draft(image.mode, (1, 1))
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise unreadable(str(pair.photo), error) from error
    return content


def _check_together(survey: MaskSurvey) -> None:
    by_colour = survey.by_colour
    values, solid = set(), set()
    for content in survey.contents:
        for value in content.pixels:
            shown = content.colour(value) if by_colour else value
            values.add(shown)
            if value not in content.thin:
                solid.add(shown)
    most = max(range(len(survey.pairs)), key=lambda i: len(survey.contents[i].pixels))
    path = survey.pairs[most].mask
    check_not_blended(values, values - solid, f'{path} and the masks beside it')
    if by_colour and len(values) > MOST_VALUES:
        raise ValueError(
            f'the masks have {len(values)} colours, but {MOST_VALUES} classes are the '
            f'most; {path} alone has {len(survey.contents[most].pixels)}. Masks of '
            'instances, each in a colour of its own, are no masks of classes'
        )


def _load(path: Path) -> Dict[str, MaskContent]:
    if not path.is_file():
        return {}
    stored = json.loads(path.read_text())
    if stored.get('version') != _VERSION:
        return {}
    return {
        signature: MaskContent(
            mode,
            tuple(size),
            {int(value): count for value, count in pixels.items()},
            {int(value): colour for value, colour in palette.items()},
            frozenset(thin),
        )
        for signature, (mode, size, pixels, palette, thin) in stored['masks'].items()
    }


def _save(path: Path, known: Dict[str, MaskContent], wanted: Sequence[str]) -> None:
    masks = {
        signature: [*known[signature][:4], sorted(known[signature].thin)]
        for signature in wanted
        if signature in known
    }
    write_atomically(path, json.dumps({'version': _VERSION, 'masks': masks}))
