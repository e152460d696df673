"""Reads every photo and mask once, and keeps what they hold in a file."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
    Union,
)

from mmseg_ganaug.datasets.file_records import state_of
from mmseg_ganaug.datasets.image_files import check_photo_file
from mmseg_ganaug.datasets.label_files import check_sizes
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.own_data.class_list import ClassList
from mmseg_ganaug.own_data.masks import (
    MOST_VALUES,
    MaskContent,
    MaskForm,
    check_not_blended,
    inspect_mask,
    is_grey,
    read_file,
)
from mmseg_ganaug.own_data.pairs import Pair
from mmseg_ganaug.progress import Progress

# Of what is kept: entries of another version are read again.
_VERSION = 2
# After so many files that cannot be used, the others are not looked at.
_MOST_ERRORS = 10
_NAMED = 3
_BLACK, _WHITE = 0x000000, 0xFFFFFF


@dataclass(frozen=True)
class MaskSurvey:
    """Contents of the masks of a data set.

    Args:
        pairs (Sequence[Pair]): Photos and masks.
        contents (Sequence[MaskContent]): Of each mask.
        digest (str): Names the pairs by their keys and the contents of their files.
        form (MaskForm): Meaning of the masks' values.
    """

    pairs: Sequence[Pair]
    contents: Sequence[MaskContent]
    digest: str
    form: MaskForm

    @cached_property
    def pixels(self) -> List[Dict[int, int]]:
        """Counts the pixels of each value in each mask."""
        return [content.count_in(self.form) for content in self.contents]

    @cached_property
    def values(self) -> Set[int]:
        """Returns the values that occur in any mask."""
        return set().union(*self.pixels)

    def first_mask_with(self, value: int) -> Path:
        """Finds the first mask that shows a value."""
        for pair, pixels in zip(self.pairs, self.pixels):
            if value in pixels:
                return pair.mask
        raise KeyError(value)

    def shares(self, values: Sequence[int]) -> Tuple[float, float]:
        """Returns the shares of all pixels, and of the masks, that show such a value.

        Args:
            values (Sequence[int]): Different values.

        Returns:
            tuple[float, float]: Two shares, 0..1.
        """
        total = sum(width * height for width, height in (c.size for c in self.contents))
        counts = [sum(pixels.get(v, 0) for v in values) for pixels in self.pixels]
        return sum(counts) / total, sum(count > 0 for count in counts) / len(counts)


def choose_form(
    contents: Sequence[MaskContent], listed: Optional[ClassList] = None
) -> MaskForm:
    """Chooses the meaning of mask values, for all masks of a data set alike.

    Args:
        contents (Sequence[MaskContent]): Of each mask.
        listed (ClassList, optional): The classes as the user lists them.

    Returns:
        MaskForm: Ids, unless there are colour files, palettes differ, or colours are
        listed. Where ids are listed, those of colour files that are all grey. Grey
        levels where all is black and white, and white is 1 in some files and 255 in
        others.
    """
    if listed is not None and listed.has_colours:
        return MaskForm.COLOURS
    shown = {(stored, c.colour(stored)) for c in contents for stored in c.pixels}
    colours: Dict[int, int] = {}
    if not any(
        content.is_colour
        or any(colours.setdefault(v, c) != c for v, c in content.palette.items())
        for content in contents
    ):
        white = {stored for stored, colour in shown if colour == _WHITE}
        black_and_white = {colour for _, colour in shown} <= {_BLACK, _WHITE}
        return MaskForm.GREYS if black_and_white and len(white) > 1 else MaskForm.IDS
    all_grey = all(is_grey(colour) for _, colour in shown)
    return MaskForm.GREYS if listed is not None and all_grey else MaskForm.COLOURS


def survey_masks(
    pairs: Sequence[Pair],
    kept: Union[str, Path],
    listed: Optional[ClassList] = None,
    write: Callable[[Path, str], Path] = write_atomically,
) -> MaskSurvey:
    """Reads all photos and masks, with a progress bar, and checks them.

    Args:
        pairs (Sequence[Pair]): Photos and masks.
        kept (str | Path): JSON file that keeps the contents. Files whose size, times
            of change and inode are those of the last time are not read again; files
            with the same contents, not inspected again.
        listed (ClassList, optional): The classes as the user lists them; see
            :func:`choose_form`.
        write (callable): Writes a text to a path. Defaults to
            :func:`~mmseg_ganaug.files.write_atomically`.

    Returns:
        MaskSurvey: Contents of the masks.

    Raises:
        ValueError: When a file is damaged, MMSeg would not read a photo whole, a photo
            has another size than its mask, a file is no mask, or all masks together
            hold too many or too thin values to be masks. Names the file and the remedy.
    """
    known = _load(Path(kept))
    digests: Dict[int, str] = {}
    missing = []
    for i, pair in enumerate(pairs):
        state = _state(pair)
        if state and known.states.get(_name(pair)) == state:
            digests[i] = known.digests[_name(pair)]
        else:
            missing.append(i)
    errors: List[Tuple[Path, ValueError]] = []
    if missing:
        pool = ThreadPoolExecutor()
        with Progress('Reading photos and masks', len(missing)) as progress:
            try:
                found = pool.map(lambda i: _attempt(pairs[i], known.contents), missing)
                for i, item in zip(missing, found):
                    progress.update()
                    if isinstance(item, ValueError):
                        errors.append((pairs[i].photo, item))
                        if len(errors) == _MOST_ERRORS:
                            break
                        continue
                    known.add(_name(pairs[i]), item)
                    digests[i] = item.digest
            finally:
                pool.shutdown(cancel_futures=True)
                write(Path(kept), _dump(known, pairs))
    if errors:
        raise _joined(errors)
    contents = [known.contents[digests[i]] for i in range(len(pairs))]
    named = ''.join(f'{pair.key}\0{digests[i]}\n' for i, pair in enumerate(pairs))
    digest = _sha256(named.encode('utf-8', 'replace'))
    survey = MaskSurvey(pairs, contents, digest, choose_form(contents, listed))
    _check_together(survey)
    return survey


class _Found(NamedTuple):
    """Content of a pair, and the state of its files before they were read."""

    state: str
    digest: str
    content: MaskContent


class _Known(NamedTuple):
    """Content of the file: states and digests of pairs by name, contents by digest."""

    states: Dict[str, str]
    digests: Dict[str, str]
    contents: Dict[str, MaskContent]

    def add(self, name: str, found: _Found) -> None:
        self.states[name] = found.state
        self.digests[name] = found.digest
        self.contents[found.digest] = found.content


def _name(pair: Pair) -> str:
    return f'{pair.photo.absolute()}\0{pair.mask.absolute()}'


def _state(pair: Pair) -> str:
    return state_of([str(pair.photo), str(pair.mask)])


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _attempt(pair: Pair, contents: Dict[str, MaskContent]) -> Union[_Found, ValueError]:
    """Reads a pair, and inspects it unless its contents are known."""
    try:
        state = _state(pair)
        photo, mask = read_file(pair.photo), read_file(pair.mask)
        digest = _sha256(f'{_sha256(photo)} {_sha256(mask)}'.encode())
        if digest in contents:
            return _Found(state, digest, contents[digest])
        return _Found(state, digest, _inspect(pair, photo, mask))
    except ValueError as error:
        return error


def _inspect(pair: Pair, photo: bytes, mask: bytes) -> MaskContent:
    content = inspect_mask(mask, pair.mask)
    if min(content.size) == 1:
        raise ValueError(
            f'{pair.mask} is {content.size[0]} x {content.size[1]} (width x height): '
            "MMSeg's LoadAnnotations makes a line of a map that is one pixel wide "
            'or high. Take the pair out, or pad photo and mask'
        )
    shown_size = check_photo_file(photo, str(pair.photo)).shown_size
    check_sizes(str(pair.photo), shown_size, str(pair.mask), content.size)
    return content


def _joined(errors: Sequence[Tuple[Path, ValueError]]) -> ValueError:
    first = errors[0][1]
    if len(errors) == 1:
        return first
    others = ', '.join(str(path) for path, _ in errors[1 : 1 + _NAMED])
    more = ', ...' if len(errors) > 1 + _NAMED else ''
    count = f'{len(errors) - 1}{" or more" if len(errors) == _MOST_ERRORS else ""}'
    return type(first)(f'{first}\n({count} other pairs cannot be used: {others}{more})')


def _check_together(survey: MaskSurvey) -> None:
    values = survey.values
    solid = {
        content.value_in(stored, survey.form)
        for content in survey.contents
        for stored in set(content.pixels) - content.thin
    }
    most = max(range(len(survey.pairs)), key=lambda i: len(survey.contents[i].pixels))
    path = survey.pairs[most].mask
    check_not_blended(values, values - solid, f'{path} and the masks beside it')
    if survey.form is not MaskForm.IDS and len(values) > MOST_VALUES:
        raise ValueError(
            f'the masks have {len(values)} colours, but {MOST_VALUES} classes are the '
            f'most; {path} alone has {len(survey.contents[most].pixels)}. Masks of '
            'instances, each in a colour of its own, are no masks of classes'
        )


def _load(path: Path) -> _Known:
    """Reads the kept file; nothing where it is damaged or of another version."""
    known = _Known({}, {}, {})
    try:
        stored = json.loads(path.read_text(encoding='utf-8'))
        if stored['version'] != _VERSION:
            return known
        contents = {
            str(digest): _content(*fields)
            for digest, fields in stored['contents'].items()
        }
        for name, (state, digest) in stored['pairs'].items():
            known.add(name, _Found(str(state), digest, contents[digest]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _Known({}, {}, {})
    return known


def _content(
    mode: str,
    size: Sequence[int],
    pixels: Dict[str, int],
    palette: Dict[str, int],
    thin: Sequence[int],
) -> MaskContent:
    width, height = size
    content = MaskContent(
        str(mode),
        (width, height),
        {int(value): count for value, count in pixels.items()},
        {int(value): int(colour) for value, colour in palette.items()},
        frozenset(thin),
    )
    whole = sum(content.pixels.values()) == width * height > 0
    if not whole or not content.thin <= set(content.pixels):
        raise ValueError('the counts do not add up')
    return content


def _dump(known: _Known, pairs: Sequence[Pair]) -> str:
    """Returns the states and contents of these pairs as JSON."""
    names = [name for name in map(_name, pairs) if name in known.digests]
    digests = dict.fromkeys(known.digests[name] for name in names)
    stored: Dict[str, Any] = {
        'version': _VERSION,
        'pairs': {name: [known.states[name], known.digests[name]] for name in names},
        'contents': {
            digest: [*content[:4], sorted(content.thin)]
            for digest in digests
            for content in [known.contents[digest]]
        },
    }
    return json.dumps(stored)
