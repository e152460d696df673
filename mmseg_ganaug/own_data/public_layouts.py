"""Lays out public data sets as the configs read them: links, label maps, splits."""

import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence

from mmseg_ganaug.datasets.camvid import CamVidDataset
from mmseg_ganaug.own_data.classes import MaskClasses
from mmseg_ganaug.own_data.convert import find_foreign_label_maps, write_label_maps
from mmseg_ganaug.own_data.folder_files import files_below
from mmseg_ganaug.own_data.mask_survey import survey_masks
from mmseg_ganaug.own_data.masks import MaskForm
from mmseg_ganaug.own_data.pairs import Pair
from mmseg_ganaug.ownership import WorkFolder

Splits = Mapping[str, Sequence[str]]
_SHOWN = 3


class Part(NamedTuple):
    """A part of a public data set, such as its training frames.

    Attributes:
        photos: Folder of the photos in the published tree.
        photo_suffix: What is left of their names behind that of the frame.
        masks: Folder of the masks.
        mask_suffix: As for the photos.
        published: Number of frames.
    """

    photos: str
    photo_suffix: str
    masks: str
    mask_suffix: str
    published: int


class Layout(NamedTuple):
    """How a public data set is published, and what its masks hold.

    Attributes:
        title: Its name.
        parts: By the folder that each becomes; the first one has to be there.
        values: Mask value of each class, in the order of the class ids.
        ignored: Mask values of no class.
        split: Makes the lists of frames, by name, of the frames of the first part.
    """

    title: str
    parts: Mapping[str, Part]
    values: Sequence[int]
    ignored: Sequence[int]
    split: Callable[[Sequence[str]], Splits]


def split_camvid(frames: Sequence[str]) -> Splits:
    """Splits CamVid's training frames by drive.

    Args:
        frames (Sequence[str]): Names such as '0006R0_f00930', in order.

    Returns:
        dict[str, list[str]]: 'train', all of them, 'dev_val', those of the drive
        0006R0, and 'dev_train', the others.
    """
    is_val = [frame.startswith('0006R0') for frame in frames]
    return {
        'train': list(frames),
        'dev_train': [frame for frame, val in zip(frames, is_val) if not val],
        'dev_val': [frame for frame, val in zip(frames, is_val) if val],
    }


def split_idd_lite(frames: Sequence[str]) -> Splits:
    """Draws a seventh of IDD-Lite's drives to choose settings on.

    Args:
        frames (Sequence[str]): Names such as '005_123456': drive, padded, then frame.

    Returns:
        dict[str, list[str]]: 'dev_train' and 'dev_val'.
    """
    drives = sorted({frame.split('_')[0] for frame in frames})
    random.Random(0).shuffle(drives)
    chosen = set(drives[: len(drives) // 7])
    is_val = [frame.split('_')[0] in chosen for frame in frames]
    return {
        'dev_train': [frame for frame, val in zip(frames, is_val) if not val],
        'dev_val': [frame for frame, val in zip(frames, is_val) if val],
    }


LAYOUTS: Dict[str, Layout] = {
    'camvid': Layout(
        'CamVid',
        {
            part: Part(part, '.png', f'{part}annot', '.png', published)
            for part, published in (('train', 367), ('val', 101), ('test', 233))
        },
        range(len(CamVidDataset.METAINFO['classes'])),
        (11,),
        split_camvid,
    ),
    'idd-lite': Layout(
        'IDD-Lite',
        {
            part: Part(
                f'leftImg8bit/{part}',
                '_image.jpg',
                f'gtFine/{part}',
                '_label.png',
                published,
            )
            for part, published in (('train', 1403), ('val', 204))
        },
        range(7),
        (255,),
        split_idd_lite,
    ),
    'facades': Layout(
        'CMP facades',
        {
            'train': Part('base', '.jpg', 'base', '.png', 378),
            'val': Part('extended', '.jpg', 'extended', '.png', 228),
        },
        range(1, 13),
        (),
        lambda frames: {},
    ),
}


def lay_out_published(name: str, source: Path, out: Path) -> None:
    """Lays out a public data set, and prints what was found and written.

    Args:
        name (str): Of :data:`LAYOUTS`.
        source (Path): The published tree.
        out (Path): See :func:`lay_out`.

    Raises:
        FileNotFoundError: When the first part of the data set is not in the tree.
        ValueError: When photos lack masks, a list of frames would be empty, and as
            :func:`lay_out` does.
        InTheWayError: As :func:`lay_out` does.
    """
    layout = LAYOUTS[name]
    found = {
        folder: _find(source, folder, part) for folder, part in layout.parts.items()
    }
    first, part = next(iter(layout.parts.items()))
    if not found[first]:
        raise FileNotFoundError(
            f'{source} is not {layout.title} as it is published: there is no file '
            f'{source}/{part.photos}/...{part.photo_suffix}. Give the folder that '
            f'holds {" and ".join(sorted({part.photos, part.masks}))}'
        )
    for folder, part in layout.parts.items():
        print(f'{folder}: {len(found[folder])} of {part.published} published frames')
    splits = layout.split([pair.key.split('/')[-1] for pair in found[first]])
    for split, frames in splits.items():
        if not frames:
            raise ValueError(
                f'splits/{split}.txt would be empty: {source}/{layout.parts[first][0]} '
                f'lacks the drives of it. Unpack {layout.title} again, whole'
            )
    classes = MaskClasses(
        names=[str(value) for value in layout.values],
        values=[[value] for value in layout.values],
        ignored=list(layout.ignored),
        form=MaskForm.IDS,
        palette=[],
    )
    pairs = [pair for of_part in found.values() for pair in of_part]
    least, most = layout.values[0], layout.values[-1]
    ignored = ''.join(f' or {value}' for value in layout.ignored)
    lay_out(
        out,
        layout.title,
        pairs,
        classes,
        f'no label of {layout.title} ({least} to {most}{ignored}): give its masks as '
        'they were published',
        splits,
    )


def lay_out(
    out: Path,
    title: str,
    pairs: Sequence[Pair],
    classes: MaskClasses,
    unknown: str,
    splits: Optional[Splits] = None,
) -> None:
    """Writes ``images`` (links to the photos), ``annotations`` and ``splits``.

    Started again, it goes on: what is there is kept. Masks are read first, so that
    nothing is written where one of them cannot be used.

    Args:
        out (Path): Folder of the data set.
        title (str): Names the data set in the mark of the folder.
        pairs (Sequence[Pair]): Photos and masks; a key is the path of the label map
            below ``annotations``, without '.png'.
        classes (MaskClasses): What the values of the masks stand for, as ids.
        unknown (str): What a value is that ``classes`` does not have, and the remedy.
        splits (Mapping[str, Sequence[str]], optional): Lists of frames, by name.

    Raises:
        ValueError: When a mask shows another value; names both.
        InTheWayError: When files that this did not write are in the way; names all.
    """
    links = {
        out / 'images' / f'{pair.key}{pair.photo.suffix}': pair.photo.resolve()
        for pair in pairs
    }
    lists = {
        out / 'splits' / f'{name}.txt': ''.join(f'{frame}\n' for frame in frames)
        for name, frames in (splits or {}).items()
    }
    work = WorkFolder(out, title, 'OUT')
    kept, label_maps = out / 'masks.json', out / 'annotations'
    work.refuse(
        [
            *work.in_the_way([kept, *missing_links(links), *lists]),
            *find_foreign_label_maps(label_maps),
        ]
    )
    # By their ids, also where the palettes of the masks differ.
    survey = replace(survey_masks(pairs, kept, write=work.write), form=MaskForm.IDS)
    known = {*classes.ignored, *(value for of in classes.values for value in of)}
    for value in sorted(survey.values - known):
        path = survey.first_mask_with(value)
        raise ValueError(f'{path} shows {value}, which is {unknown}')
    write_label_maps(pairs, classes, survey.digest, label_maps)
    for link in missing_links(links):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(links[link])
    for path, text in lists.items():
        work.write(path, text)
    print(f'{len(pairs)} label maps lie in {label_maps}')


def missing_links(links: Mapping[Path, Path]) -> List[Path]:
    """Lists the links (path -> what it leads to) that are still to be made."""
    return [
        link
        for link, photo in links.items()
        if not (link.is_symlink() and Path(os.path.realpath(link)) == photo)
    ]


def _find(source: Path, folder: str, part: Part) -> List[Pair]:
    """Pairs the photos of a part with their masks; there may be none."""
    pairs, alone = [], []
    photos = source / part.photos
    # Sorted as they are published, drive 100 before drive 2.
    for photo in files_below(photos):
        if not photo.name.endswith(part.photo_suffix):
            continue
        *drives, frame = photo.relative_to(photos).parts
        frame = frame[: -len(part.photo_suffix)]
        mask = source.joinpath(part.masks, *drives, f'{frame}{part.mask_suffix}')
        name = '_'.join([*(drive.zfill(3) for drive in drives), frame])
        pairs.append(Pair(f'{folder}/{name}', photo, mask))
        if not mask.is_file():
            alone.append(str(mask))
    if alone:
        more = ', ...' if len(alone) > _SHOWN else ''
        raise ValueError(
            f'{len(alone)} of {len(pairs)} photos of {photos} have no mask: there is '
            f'no {", ".join(alone[:_SHOWN])}{more}. Unpack the data set again, whole'
        )
    return pairs
