"""Photos and masks that lie in two folders, found to be pairs by their names."""

import re
from collections import Counter
from dataclasses import dataclass
from os.path import commonprefix
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple, Union

FEWEST_PAIRS = 4
_ENDINGS = ('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.gif')
_SEPARATOR = re.compile(r'[_\-. ]')


class Pair(NamedTuple):
    """A photo and its mask.

    Attributes:
        key: What their names have in common, with its folder: a line of a split file.
        photo: The photo.
        mask: The mask.
    """

    key: str
    photo: Path
    mask: Path


@dataclass(frozen=True)
class FolderPairs:
    """The pairs of two folders, in the words of an MMSeg data set.

    Args:
        images (Path): Folder of the photos.
        masks (Path): Folder of the masks.
        pairs (Sequence[Pair]): In the order of their keys.
        img_suffix (str): What follows the key in the name of every photo.
        seg_map_suffix (str, optional): What follows it in that of every mask; None
            where that differs.
    """

    images: Path
    masks: Path
    pairs: Sequence[Pair]
    img_suffix: str
    seg_map_suffix: Optional[str]


def pair_folders(
    images: Union[str, Path],
    masks: Union[str, Path],
    mask_suffix: Optional[str] = None,
    fewest: int = FEWEST_PAIRS,
) -> FolderPairs:
    """Pairs photos and masks of one name, in subfolders too.

    The names of the masks may have something behind them that those of the photos have
    not, such as ``_mask`` or ``_gtFine_labelIds``, and the other way round: the same
    for all.

    Args:
        images (str | Path): Folder of the photos.
        masks (str | Path): Folder of the masks; may be the same with ``mask_suffix``.
        mask_suffix (str, optional): End of the names of the masks, for folders that
            hold other files too. Defaults to None: it is found.
        fewest (int): Pairs that there must be. Defaults to 4.

    Returns:
        FolderPairs: All pairs.

    Raises:
        FileNotFoundError: When a folder is missing or holds no images.
        ValueError: When a photo has no mask or the other way round, there are masks of
            several kinds, two files have one name, or there are too few pairs. Names
            files, and says what to do.
    """
    images, masks = Path(images), Path(masks)
    mask_files = _list_images(masks, 'masks')
    if mask_suffix is not None:
        mask_files = [m for m in mask_files if _ends(m, mask_suffix)]
        if not mask_files:
            raise FileNotFoundError(
                f'{masks} holds no image whose name ends with {mask_suffix} '
                '(--mask-suffix)'
            )
    elif images.resolve() == masks.resolve():
        raise ValueError(
            f'{images} is the folder of photos and of masks: say by --mask-suffix how '
            'the names of the masks end, such as _mask.png'
        )
    taken = {path.resolve() for path in mask_files}
    photo_files = [
        path for path in _list_images(images, 'images') if path.resolve() not in taken
    ]
    photos = _by_stem(photo_files, images)
    labels = _by_stem(mask_files, masks)
    tail, suffix = _find_suffixes(photos, labels, masks)
    photo_of = {stem[: len(stem) - len(tail)]: photos[stem] for stem in photos}
    mask_of = {
        stem[: len(stem) - len(suffix)]: labels[stem]
        for stem in labels
        if stem.endswith(suffix)
    }
    others = [labels[stem] for stem in labels if not stem.endswith(suffix)]
    _check_all_paired(photo_of, mask_of, others, images, masks)
    if len(photo_of) < fewest:
        raise ValueError(
            f'{images} and {masks} make {len(photo_of)} pairs: {fewest} are the least '
            'that can be split and recombined, and some hundred make sense'
        )
    endings = {path.suffix for path in photo_of.values()}
    mask_endings = {path.suffix for path in mask_of.values()}
    img_suffix = tail + endings.pop() if len(endings) == 1 else ''
    found = [
        Pair(
            # With several endings, only the whole name tells where the photo is.
            key if img_suffix else photo_of[key].relative_to(images).as_posix(),
            photo_of[key],
            mask_of[key],
        )
        for key in sorted(photo_of)
    ]
    one = len(mask_endings) == 1 and img_suffix
    return FolderPairs(
        images, masks, found, img_suffix, suffix + mask_endings.pop() if one else None
    )


def _list_images(folder: Path, what: str) -> List[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder} is no folder: give that of the {what}')
    found = [
        path
        for path in sorted(folder.rglob('*'))
        if path.suffix.lower() in _ENDINGS and not path.name.startswith('.')
    ]
    if not found:
        raise FileNotFoundError(
            f'{folder} holds no {what}: files that end with {", ".join(_ENDINGS)} were '
            'looked for, in its subfolders too'
        )
    return found


def _ends(path: Path, suffix: str) -> bool:
    return path.name.endswith(suffix) or path.stem.endswith(suffix)


def _by_stem(files: Sequence[Path], folder: Path) -> Dict[str, Path]:
    """Files by their path in the folder without the ending."""
    stems: Dict[str, Path] = {}
    for path in files:
        stem = path.relative_to(folder).with_suffix('').as_posix()
        if stem in stems:
            raise ValueError(
                f'{stems[stem]} and {path} have one name: which of them counts cannot '
                'be known. Move one of them away'
            )
        stems[stem] = path
    return stems


def _find_suffixes(
    photos: Dict[str, Path], labels: Dict[str, Path], masks: Path
) -> Tuple[str, str]:
    """What photos' and masks' names have behind what they have in common."""
    found = []
    for tail in dict.fromkeys(['', _common_tail(list(photos))]):
        keys = {stem[: len(stem) - len(tail)] for stem in photos}
        suffixes = Counter(_suffix(stem, keys) for stem in labels)
        del suffixes[None]
        if suffixes:
            found.append((suffixes.most_common(1)[0][1], tail, suffixes))
    if not found:
        photo, label = next(iter(photos.values())), next(iter(labels.values()))
        raise ValueError(
            f'no photo has a mask: {photo} and {label}, say, have no name in common. A '
            'pair has one name, in one subfolder, but for the ending and, in all '
            'masks alike, something such as _mask behind it'
        )
    count, tail, suffixes = max(found, key=lambda item: item[0])
    kinds = [kind for kind, number in suffixes.most_common() if 2 * number > count]
    if len(kinds) > 1:
        listed = ', '.join(f'{k or "(nothing)"} ({suffixes[k]} files)' for k in kinds)
        raise ValueError(
            f'{masks} holds masks of several kinds; behind the names of the photos '
            f'stands {listed}. Say by --mask-suffix which are the masks'
        )
    return tail, kinds[0]


def _common_tail(stems: Sequence[str]) -> str:
    """What all names end with, from a separator on; '' where that is nothing."""
    # By characters, not by folders.
    tail = commonprefix([stem[::-1] for stem in stems])[::-1]  # noqa: RUF071
    tail = tail.split('/')[-1]
    start = _SEPARATOR.search(tail)
    # A name must be left.
    if start is None or any(stem.split('/')[-1] == tail for stem in stems):
        return ''
    return tail[start.start() :]


def _suffix(stem: str, keys: set) -> Optional[str]:
    """What follows the longest key that the name begins with; None without one."""
    for end in range(len(stem), stem.rfind('/') + 1, -1):
        if stem[:end] in keys:
            return stem[end:]
    return None


def _check_all_paired(
    photos: Dict[str, Path],
    masks: Dict[str, Path],
    others: Sequence[Path],
    images_folder: Path,
    masks_folder: Path,
) -> None:
    alone = [photos[key] for key in sorted(set(photos) - set(masks))]
    if alone:
        raise ValueError(
            f'{len(alone)} of {len(photos)} photos have no mask in {masks_folder}: '
            f'{_first(alone)}. Add their masks, or take them out'
        )
    alone = sorted([masks[key] for key in set(masks) - set(photos)] + list(others))
    if alone:
        raise ValueError(
            f'{len(alone)} masks have no photo in {images_folder}: {_first(alone)}. '
            'Add their photos, or take them out'
        )


def _first(paths: Sequence[Path]) -> str:
    return ', '.join(map(str, paths[:3])) + (', ...' if len(paths) > 3 else '')
