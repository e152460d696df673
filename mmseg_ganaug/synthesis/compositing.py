"""Compositing: joins generated and real pixels to one photo."""

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.logging import print_log
from prettytable import PrettyTable

from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_mapping,
    check_names,
    check_number,
    check_path,
    check_whole,
)
from mmseg_ganaug.recompose import RecomposedMap
from mmseg_ganaug.synthesis.blending import blend
from mmseg_ganaug.synthesis.windows import Painted, Windows, build_windows

#: Key of the figures in the file that ``generator_fidelity.py`` writes.
FIDELITY_KEY = 'fidelity'


COMPOSITES = ('full', 'changed', 'auto', 'real')
_OWNER = 'composite'
_ONLY_AUTO = ('painted', 'fidelity', 'min_fidelity')


@dataclass(frozen=True)
class Pair:
    """A photo and its label map.

    Attributes:
        photo: uint8 BGR [H, W, 3].
        label_map: uint8 [H, W].
        generated: Bool [H, W], the pixels of the photo that are not real.
    """

    photo: np.ndarray
    label_map: np.ndarray
    generated: np.ndarray


@dataclass(frozen=True)
class Compositing:
    """Joins generated and real pixels to one photo.

    ``'full'``: the whole photo is generated, as the authors of the method do.
    ``'changed'``: pixels are generated where the label map changed, and are those of
    the base's photo elsewhere; under Recon, which has no base, that is everywhere.
    ``'auto'``: as ``'changed'``, but a layer whose class the generator cannot paint
    keeps the pixels of its donor; so no class is taught from photos that do not show
    it. Holes that Recon filled with such a class become ``ignore_index``, for no real
    pixel shows it there either.
    ``'real'``: nothing is generated, every layer keeps the pixels of its donor
    (copy-paste). What no photo shows becomes ``ignore_index``.

    Args:
        mode: One of the four.
        paintable: Bool [C], whether the generator can paint each class; for 'auto'.
        feather: Width in pixels over which generated pixels fade into those of the
            base; what is generated or pasted stays whole, however thin.
        match_tone: Whether generated pixels of 'changed' and 'auto' take the light of
            the real photo: of the base, or under Recon of the first donor; and those
            of donors, too. A generator that sees labels only paints every photo in the
            mean light of its training photos: a pole before a dusky sky would have a
            bright rim. See :func:`~mmseg_ganaug.recompose.match_tone`.
        windows: Chooses the parts of a photo that are painted, for 'changed' and
            'auto'. None = the whole photo is painted, whatever of it is kept.

    Raises:
        ValueError: When an option is of the wrong type or outside its range,
            ``paintable`` is missing, or windows have no use.
    """

    mode: str = 'full'
    paintable: Optional[Tuple[bool, ...]] = None
    feather: int = 2
    match_tone: bool = True
    windows: Optional[Windows] = None

    def __post_init__(self) -> None:
        check_choice(_OWNER, 'mode', self.mode, COMPOSITES)
        # A frozen dataclass; NumPy's numbers would not get into its JSON.
        feather = check_whole(_OWNER, 'feather', self.feather)
        object.__setattr__(self, 'feather', feather)
        check_bool(_OWNER, 'match_tone', self.match_tone)
        if self.windows is not None:
            self._check_windows(self.windows)
        if self.mode == 'auto' and self.paintable is None:
            raise ValueError(
                "composite='auto' needs the fidelity of each class: measure it with "
                'tools/analysis_tools/generator_fidelity.py and set fidelity to the '
                'file that it writes, or painted to the classes that the generator '
                'paints'
            )

    def _check_windows(self, windows: Windows) -> None:
        if self.mode not in ('changed', 'auto'):
            raise ValueError(
                f'composite has windows and mode={self.mode!r}, which paints all of a '
                "photo or nothing: set mode='changed' or 'auto', or leave windows out"
            )
        if windows.margin is not None and windows.margin <= self.feather:
            raise ValueError(
                f'composite has feather={self.feather} and windows with '
                f'margin={windows.margin}: the margin must be larger, for generated '
                'pixels fade out in it'
            )

    @property
    def needs_photo(self) -> bool:
        """Returns whether the real photo has to be recombined along with the labels."""
        return self.mode != 'full'

    @property
    def paints(self) -> bool:
        """Returns whether a generator has to paint anything."""
        return self.mode != 'real'

    def fingerprint(self) -> Dict[str, Any]:
        """Lists what photos depend on, as JSON values.

        What the mode does not use has its default here: changing it keeps all photos.
        """
        used = self
        if self.mode == 'full':
            used = Compositing()
        elif self.mode == 'changed':
            used = replace(self, paintable=None)
        elif self.mode == 'real':
            used = Compositing('real', match_tone=self.match_tone)
        listed = asdict(used)
        if self.windows is None:
            # As in the stores of before there were windows.
            del listed['windows']
        return listed

    def generated(self, made: RecomposedMap) -> np.ndarray:
        """Finds the pixels that are to be generated: bool [H, W].

        Args:
            made: The recombination.
        """
        if self.mode == 'full':
            return np.ones(made.label_map.shape, bool)
        if self.mode == 'changed':
            return made.changed
        return made.changed & self._table()[made.label_map]

    def join(
        self,
        made: RecomposedMap,
        painted: Optional[Painted],
        ignore_index: int,
    ) -> Pair:
        """Makes a pair.

        Args:
            made: The recombination, with its photo where :attr:`needs_photo`.
            painted: The generated photo, or that with harmonised pixels; None where
                nothing is painted.
            ignore_index: Label value of pixels that teach nothing.
        """
        label_map = made.label_map
        if painted is None or not self.paints:
            label_map = np.where(made.shown, label_map, np.uint8(ignore_index))
            photo = made.photo if painted is None else painted.photo
            return Pair(photo, label_map, np.zeros(label_map.shape, bool))
        generated = self.generated(made)
        if self.mode == 'full':
            return Pair(painted.photo, label_map, generated)
        if self.mode == 'auto':
            unseen = ~made.shown & ~self._table()[label_map]
            if unseen.any():
                label_map = np.where(unseen, np.uint8(ignore_index), label_map)
        real = made.shown if made.base is None else ~made.changed
        photo = blend(
            painted,
            made.photo,
            real,
            generated,
            made.changed,
            self.feather,
            self.match_tone,
        )
        return Pair(photo, label_map, generated)

    def _table(self) -> np.ndarray:
        """Makes a table, bool [256]: what may be painted, and all that is no class."""
        table = np.ones(256, bool)
        table[: len(self.paintable)] = self.paintable
        return table


def check_composite(
    composite: Optional[Union[str, Mapping]], paints: bool
) -> Union[str, Dict[str, Any]]:
    """Returns an option ``composite``, or its default: 'full', or 'real'.

    Args:
        composite: What is stated, see :func:`build_compositing`; None = the default.
        paints: Whether there is a generator.

    Raises:
        ValueError: When it is neither text nor a mapping, or needs a generator.
    """
    if composite is None:
        return 'full' if paints else 'real'
    if not isinstance(composite, str):
        composite = check_mapping(_OWNER, 'composite', composite)
    mode = composite if isinstance(composite, str) else composite.get('mode')
    if not paints and mode != 'real':
        raise ValueError(
            f'composite={composite!r} needs a generator that paints, unlike '
            'generator=None, which paints nothing, and HarmonizedPixels: set '
            "mode='real' or leave composite out, or name another generator"
        )
    return composite


def build_compositing(
    config: Union[str, Mapping], class_names: Sequence[str]
) -> Compositing:
    """Builds what an option ``composite`` states.

    Args:
        config: A mode, or a mapping with ``mode``, ``feather``, ``match_tone``,
            ``windows`` (True, or a mapping with ``margin`` and ``sizes``), and for
            'auto' ``fidelity`` (the JSON file with the figure of each class) and
            ``min_fidelity`` (default 0.5), which decide and are logged, or
            ``painted``, the names of the classes that the generator paints.
        class_names: C names.

    Raises:
        FileNotFoundError: When the fidelity file is missing.
        ValueError: When an option is wrong, missing or of another mode, or a class has
            no figure.
    """
    options: Dict[str, Any] = (
        {'mode': config}
        if isinstance(config, str)
        else check_mapping(_OWNER, 'composite', config)
    )
    given = {key: options.pop(key, None) for key in _ONLY_AUTO}
    given = {key: value for key, value in given.items() if value is not None}
    unknown = sorted(set(options) - {'mode', 'feather', 'match_tone', 'windows'})
    if unknown:
        raise ValueError(
            f'composite knows no {", ".join(unknown)}; there are mode, feather, '
            'match_tone, windows, fidelity, min_fidelity and painted'
        )
    if 'windows' in options:
        options['windows'] = build_windows(options['windows'])
    mode = options.get('mode', Compositing.mode)
    if given and mode in COMPOSITES and mode != 'auto':
        raise ValueError(
            f'composite has {", ".join(given)} and mode={mode!r}, but only '
            "mode='auto' uses them: set that mode, or leave them out"
        )
    painted, path = given.get('painted'), given.get('fidelity')
    if 'min_fidelity' in given and path is None:
        raise ValueError(
            'composite has min_fidelity, but no fidelity that it could be the smallest '
            'of: set fidelity to the file of the figures, or leave min_fidelity out'
        )
    if path is not None:
        check_path(_OWNER, 'fidelity', path)
    if painted is not None:
        if not isinstance(painted, (list, tuple)) or painted:
            check_names(_OWNER, 'painted', painted, known=class_names)
        if path is not None:
            raise ValueError(
                f'composite has painted={list(painted)!r} and fidelity={path!r}, of '
                'which either decides what is painted: leave one out'
            )
        options['paintable'] = tuple(name in painted for name in class_names)
    if mode == 'auto' and path is not None:
        smallest = check_number(
            _OWNER, 'min_fidelity', given.get('min_fidelity', 0.5), 0
        )
        fidelity = load_class_fidelity(path)
        paintable = paintable_classes(fidelity, class_names, smallest)
        options['paintable'] = paintable
        table = PrettyTable(('class', 'fidelity', 'painted by'))
        for name, able in zip(class_names, paintable):
            by = 'generator' if able else "its donor's pixels"
            table.add_row([name, f'{fidelity[name]:.2f}', by])
        print_log(f'Fidelity by {path}, at least {smallest}:\n{table}', 'current')
    return Compositing(**options)


def paintable_classes(
    fidelity: Mapping[str, float], class_names: Sequence[str], min_fidelity: float
) -> Tuple[bool, ...]:
    """Decides which classes a generator may paint.

    Args:
        fidelity: Class name -> IoU of a segmenter on generated photos over its IoU on
            real ones; NaN where that is unknown, which counts as not paintable.
        class_names: C names.
        min_fidelity: Smallest fidelity of a class that may be painted.

    Raises:
        ValueError: When a class has no figure; names it.
    """
    missing = [name for name in class_names if name not in fidelity]
    if missing:
        raise ValueError(
            f'there is no fidelity of {", ".join(missing)}: measure it for this data '
            f'set; there are {", ".join(fidelity)}'
        )
    return tuple(bool(fidelity[name] >= min_fidelity) for name in class_names)


def load_class_fidelity(path: Union[str, Path]) -> Dict[str, float]:
    """Reads the fidelity of each class.

    Args:
        path (str | Path): JSON file that ``tools/analysis_tools/generator_fidelity.py``
            wrote.

    Returns:
        dict[str, float]: Class name -> IoU of a segmenter on generated photos over its
        IoU on the real photos of the same label maps: 0 for a class that leaves no
        trace, about 1 for one that is painted as well as it is seen in reality. NaN
        where the segmenter hardly finds the class in real photos either.

    Raises:
        FileNotFoundError: When there is no such file; says how to get one.
        ValueError: When the file holds no fidelity; names it.
    """
    path = Path(path)
    remedy = 'measure it with tools/analysis_tools/generator_fidelity.py'
    if not path.is_file():
        raise FileNotFoundError(f'there is no fidelity file {path}: {remedy}')
    try:
        figures = json.loads(path.read_text(encoding='utf-8'))[FIDELITY_KEY]
        fidelity = {
            str(name): math.nan if value is None else float(value)
            for name, value in figures.items()
        }
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} holds no fidelity of classes ({error!r}): {remedy}'
        ) from error
    wrong = {
        name: value
        for name, value in fidelity.items()
        if value < 0 or math.isinf(value)
    }
    if wrong or not fidelity:
        raise ValueError(f'{path} holds the fidelity {wrong or fidelity}: {remedy}')
    return fidelity
