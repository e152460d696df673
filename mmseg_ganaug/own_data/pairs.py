"""Pairs photos and masks of two folders by their names, and splits them in two."""

import os
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from os.path import commonprefix
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Set, Tuple, Union

import numpy as np

from mmseg_ganaug.own_data.folder_files import files_below

Split = Tuple[List[str], List[str]]
FEWEST_PAIRS = 4
_ENDINGS = (
    *('.png', '.jpg', '.jpeg', '.bmp', '.tif', '.tiff', '.webp', '.gif'),
    *('.jp2', '.j2k', '.ppm', '.pgm', '.avif', '.heic'),
)
# Of a file's name; a label map of that name ends with .png.
_MOST_BYTES = 255 - len('.png')
_SEPARATOR = re.compile(r'[_\-. ]')


class Pair(NamedTuple):
    """A photo and its mask.

    Attributes:
        key: The common part of their names, with its folder: a line of a split file.
        photo: The photo.
        mask: The mask.
    """

    key: str
    photo: Path
    mask: Path


@dataclass(frozen=True)
class FolderPairs:
    """The pairs of two folders, in the terms of an MMSeg data set.

    Args:
        images (Path): Folder of the photos.
        masks (Path): Folder of the masks.
        pairs (Sequence[Pair]): In the order of their keys.
        img_suffix (str): Suffix behind the key, the same for all photos.
        seg_map_suffix (str, optional): The same for masks; None where theirs differ.
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

    Names of masks may end with a suffix that those of photos lack, such as ``_mask`` or
    ``_gtFine_labelIds``, and the other way round: the same suffix for all.

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
            files and the remedy.
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
            f'{images} is the folder of photos and of masks: give the suffix of the '
            "masks' names by --mask-suffix, such as _mask.png"
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
    keys = sorted(photo_of)
    img_suffix = _common_suffix([photo_of[key] for key in keys], images, keys, tail)
    seg_map_suffix = None
    if img_suffix is not None:
        of_keys = [mask_of[key] for key in keys]
        seg_map_suffix = _common_suffix(of_keys, masks, keys, suffix)
    found = [
        Pair(
            # With several endings, only the whole name leads to the photo.
            photo_of[key].relative_to(images).as_posix() if img_suffix is None else key,
            photo_of[key],
            mask_of[key],
        )
        for key in keys
    ]
    for pair in found:
        _check_key(pair)
    return FolderPairs(images, masks, found, img_suffix or '', seg_map_suffix)


def check_name(path: Union[str, Path]) -> None:
    """Checks that a name can stand in a config and in a list of a split.

    Args:
        path (str | Path): A file or folder.

    Raises:
        ValueError: When it is no UTF-8, or holds a control character. Shows the name
            with these escaped.
    """
    text = str(path)
    if not _is_utf8(text):
        raise ValueError(f'{text!a} is a name that is not UTF-8: rename it')
    if any(unicodedata.category(c) in ('Cc', 'Zl', 'Zp') for c in text):
        raise ValueError(
            f'{text!r} is a name with a line break or another control character: '
            'rename it'
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _common_suffix(
    files: Sequence[Path], folder: Path, keys: Sequence[str], tail: str
) -> Optional[str]:
    """Finds the suffix behind the key of every name; None where these differ.

    It differs where one name is spelt with composed characters and another, which looks
    the same, with combining ones, too.
    """
    endings = {path.suffix for path in files}
    suffix = tail + endings.pop()
    alike = not endings and all(
        path.relative_to(folder).as_posix() == key + suffix
        for path, key in zip(files, keys)
    )
    return suffix if alike else None


def _list_images(folder: Path, what: str) -> List[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f'{folder} is no folder: give that of the {what}')
    found = [path for path in files_below(folder) if path.suffix.lower() in _ENDINGS]
    if not found:
        raise FileNotFoundError(
            f'{folder} holds no {what}: files that end with {", ".join(_ENDINGS)} were '
            'looked for, in its subfolders too'
        )
    return found


def _ends(path: Path, suffix: str) -> bool:
    return path.name.endswith(suffix) or path.stem.endswith(suffix)


def _by_stem(files: Sequence[Path], folder: Path) -> Dict[str, Path]:
    """Lists files by their path without the ending, in composed characters."""
    stems: Dict[str, Path] = {}
    for path in files:
        check_name(path)
        stem = path.relative_to(folder).with_suffix('').as_posix()
        stem = unicodedata.normalize('NFC', stem)
        if stem in stems:
            raise ValueError(
                f'{stems[stem]} and {path} have one name: which of them counts cannot '
                'be known. Move one of them away'
            )
        stems[stem] = path
    return stems


def _check_key(pair: Pair) -> None:
    # MMSeg strips the lines of a split.
    if pair.key != pair.key.strip():
        raise ValueError(
            f'{str(pair.photo)!r}: the name begins or ends with a space, which MMSeg '
            'drops when it reads the list of a split: rename photo and mask'
        )
    if len(os.fsencode(pair.key.split('/')[-1])) > _MOST_BYTES:
        raise ValueError(
            f'{pair.photo}: the name has more than {_MOST_BYTES} bytes, which leaves '
            'no room for the ending of its label map: rename photo and mask'
        )


def _find_suffixes(
    photos: Dict[str, Path], labels: Dict[str, Path], masks: Path
) -> Tuple[str, str]:
    """Finds the suffixes of photo and mask names, behind their common part."""
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
            f'stands {listed}. Give the suffix of the masks by --mask-suffix'
        )
    return tail, kinds[0]


def _common_tail(stems: Sequence[str]) -> str:
    """Finds the common end of all names, from a separator on; '' without one."""
    # By characters, not by folders.
    tail = commonprefix([stem[::-1] for stem in stems])[::-1]  # noqa: RUF071
    tail = tail.split('/')[-1]
    is_name = any(stem.split('/')[-1] == tail for stem in stems)
    starts = [match.start() for match in _SEPARATOR.finditer(tail, int(is_name))]
    if not starts:
        return ''
    # Of a whole name as much as can be must be left: a number may be a part of it.
    return tail[starts[-1] if is_name else starts[0] :]


def _suffix(stem: str, keys: set) -> Optional[str]:
    """Returns the rest behind the longest key that begins the name; None without."""
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


def draw_split(names: Sequence[str], val_share: float, seed: int) -> Split:
    """Splits samples at random; the same seed gives the same split.

    Args:
        names (Sequence[str]): Of the samples, three or more.
        val_share (float): Share to validate on, above 0 and below 1; one sample at
            least, and two are left to train on.
        seed (int): Of the draw.

    Returns:
        tuple[list[str], list[str]]: Names to train on and to validate on, in order.
    """
    count = len(names)
    num_val = min(max(round(val_share * count), 1), count - 2)
    order = np.random.default_rng(seed).permutation(count)
    val = {names[index] for index in order[:num_val]}
    return [name for name in names if name not in val], sorted(val)


def read_split(paths: Sequence[Path], known: Sequence[Set[str]]) -> Split:
    """Reads the two lists of a split, one name a line.

    Args:
        paths (Sequence[Path]): The files: to train on, to validate on.
        known (Sequence[set[str]]): Names that each may list. Where both may list the
            same, no name may stand in both.

    Returns:
        tuple[list[str], list[str]]: Both parts; they need not hold all names.

    Raises:
        ValueError: When a list is missing, empty or no text, or a name is unknown or in
            both. Names file and name.
    """
    remedy = f'correct it, or move {paths[0]} and {paths[1]} away for a new split'
    lists = []
    for path, names in zip(paths, known):
        listed = _read_names(path, remedy)
        wrong = sorted(set(listed) - names)
        if wrong:
            raise ValueError(
                f'{path} lists {wrong[0]!r}, which is no photo here: {remedy}'
            )
        if not listed:
            raise ValueError(f'{path} lists no photo: {remedy}')
        lists.append(list(dict.fromkeys(listed)))
    both = sorted(set(lists[0]) & set(lists[1]))
    if both and known[0] == known[1]:
        raise ValueError(f'{paths[1]} lists {both[0]!r}, as {paths[0]} does: {remedy}')
    return lists[0], lists[1]


def _read_names(path: Path, remedy: str) -> List[str]:
    try:
        text = path.read_text(encoding='utf-8-sig')
    except FileNotFoundError as error:
        raise ValueError(f'{path} is missing: {remedy}') from error
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path} is no UTF-8 text ({error.reason}, byte {error.start}): {remedy}'
        ) from error
    # Not splitlines: names may hold what it takes for the end of a line.
    return [line.strip() for line in text.split('\n') if line.strip()]
