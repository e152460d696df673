"""Compositing: joins generated and real pixels to one photo."""

from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from mmseg_ganaug.option_checks import (
    check_choice,
    check_mapping,
    check_names,
    check_number,
    check_path,
    check_whole,
)
from mmseg_ganaug.recompose import RecomposedMap
from mmseg_ganaug.recompose.layers import TONES, Tone
from mmseg_ganaug.synthesis.blending import blend
from mmseg_ganaug.synthesis.painting_choice import choose_painted
from mmseg_ganaug.synthesis.windows import Painted, Windows, build_windows

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
        fills: Bool [C], whether it can where no photo shows the class; for 'auto'.
            None = as ``paintable``.
        feather: Width in pixels over which generated pixels fade into those of the
            base; what is generated or pasted stays whole, however thin.
        match_tone: Whether generated pixels of 'changed' and 'auto' take the light of
            the real photo: of the base, or under Recon of the first donor; and those
            of donors, too. A generator that sees labels only paints every photo in the
            mean light of its training photos: a pole before a dusky sky would have a
            bright rim. By 'gain', channels are multiplied alone, so that what is black
            in the donor's photo stays black. See
            :func:`~mmseg_ganaug.recompose.match_tone`.
        windows: Chooses the parts of a photo that are painted, for 'changed' and
            'auto'. None = the whole photo is painted, whatever of it is kept.

    Raises:
        ValueError: When an option is of the wrong type or outside its range,
            ``paintable`` is missing, or windows have no use.
    """

    mode: str = 'full'
    paintable: Optional[Tuple[bool, ...]] = None
    feather: int = 2
    match_tone: Tone = True
    windows: Optional[Windows] = None
    fills: Optional[Tuple[bool, ...]] = None

    def __post_init__(self) -> None:
        check_choice(_OWNER, 'mode', self.mode, COMPOSITES)
        # A frozen dataclass; NumPy's numbers would not get into its JSON.
        feather = check_whole(_OWNER, 'feather', self.feather)
        object.__setattr__(self, 'feather', feather)
        check_choice(_OWNER, 'match_tone', self.match_tone, TONES)
        if self.windows is not None:
            self._check_windows(self.windows)
        if self.mode == 'auto' and self.paintable is None:
            raise ValueError(
                "composite='auto' needs the fidelity of each class: measure it with "
                'ganaug fidelity and set fidelity to the '
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
            used = replace(self, paintable=None, fills=None)
        elif self.mode == 'real':
            used = Compositing('real', match_tone=self.match_tone)
        listed = asdict(used)
        for name in ('windows', 'fills'):
            # As in the stores of before there were such.
            if listed[name] is None or listed[name] == listed['paintable']:
                del listed[name]
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
        return made.changed & self._able(made)

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
            unseen = ~made.shown & ~self._able(made)
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

    def _able(self, made: RecomposedMap) -> np.ndarray:
        """Finds what may be painted, and all that is no class: bool [H, W]."""
        laid, holes = (
            np.append(able, np.ones(256 - len(able), bool))[made.label_map]
            for able in (self.paintable, self.fills or self.paintable)
        )
        return np.where(made.shown, laid, holes)


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
            ``min_fidelity`` (default 0.5), which decide and are logged, see
            :func:`~mmseg_ganaug.synthesis.painting_choice.choose_painted`, or
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
        choice = choose_painted(
            path, class_names, smallest, options.get('windows') is not None
        )
        options.update(paintable=choice.laid, fills=choice.holes)
    return Compositing(**options)
