"""Painters side by side: windows of held-out photos that each of them makes."""

from dataclasses import dataclass, replace
from typing import (
    Any,
    Dict,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

import cv2
import numpy as np
from mmengine.logging import print_log

from mmseg_ganaug.datasets import DatasetLabelSource, collect_statistics
from mmseg_ganaug.datasets.generation import sample_ids
from mmseg_ganaug.evaluation.perception import SIDE, cut_window
from mmseg_ganaug.option_checks import check_mapping
from mmseg_ganaug.progress import Progress
from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    LabelStatistics,
    Recipe,
    RecomposedMap,
    Recomposer,
)
from mmseg_ganaug.recompose.canvas import DonorMaps, PhotoUse
from mmseg_ganaug.recompose.object_options import ObjectOptions
from mmseg_ganaug.synthesis import Compositing, SampleMaker
from mmseg_ganaug.synthesis.compositing import build_compositing, check_composite
from mmseg_ganaug.synthesis.generator import Generator, build_generator
from mmseg_ganaug.synthesis.harmonized_pixels import paints
from mmseg_ganaug.synthesis.painting_choice import BLURRED, REAL

_PLAIN = dict(mode='real', match_tone=False)
#: What every painter is compared with: plain copy-paste, and blurred objects.
CONTROLS = {
    REAL: dict(generator=dict(type='RealPixels'), composite=_PLAIN),
    BLURRED: dict(generator=dict(type='BlurredPixels'), composite=_PLAIN),
}
# Smaller objects, as a share of the map, show nothing that could be compared.
_MIN_AREA = 0.002
# Recipes planned for each that is wanted: donor and base must be of one half.
_SPARE = 4


@dataclass(frozen=True)
class Painter:
    """What makes photos of recombined label maps.

    Attributes:
        generator: As in ``GANRecomposeDataset``, built.
        compositing: What of a photo it makes.
    """

    generator: Any
    compositing: Compositing


def build_painters(
    configs: Mapping[str, Mapping[str, Any]],
    class_names: Sequence[str],
    palette: Sequence[Sequence[int]],
) -> Dict[str, Painter]:
    """Builds painters, the controls before all others.

    Args:
        configs: By name, ``generator`` and, optionally, ``composite`` as in
            ``GANRecomposeDataset``; a generator may be built already.
        class_names: C names.
        palette: C colours, RGB, 0..255.

    Raises:
        FileNotFoundError: When a config or checkpoint is missing.
        ValueError: When an option is wrong, or a control is to be another painter.
    """
    found = {}
    for name in CONTROLS.keys() & configs.keys():
        raise ValueError(f'painters: {name!r} is a control: give yours another name')
    for name, config in {**CONTROLS, **configs}.items():
        options = check_mapping(
            'painters', name, config, ('generator',), ('generator', 'composite')
        )
        generator, painting = options['generator'], True
        if isinstance(generator, Mapping):
            painting = paints(generator, dict(type='AddMulti'))
            generator = build_generator(dict(generator))
        if isinstance(generator, Generator):
            generator.use_classes(class_names, palette)
        composite = options.get('composite', 'changed' if painting else None)
        composite = check_composite(composite, painting)
        found[name] = Painter(generator, build_compositing(composite, class_names))
    return found


class _Planned(NamedTuple):
    """One class laid once on a photo, and how."""

    class_id: int
    recomposer: Recomposer
    recipe: Recipe
    id: str


@dataclass
class Windows:
    """Windows that painters made of the same objects, and the real ones.

    Attributes:
        classes: int64 [N], the class of each object.
        halves: int64 [N], 0 or 1: the half of the photos that it is of.
        real: uint8 [N, 64, 64, 4], BGR and mask, the objects where they really stand.
        laid: By painter, the same objects laid on other photos.
        restored: By painter, the objects made again where they really stand: painted
            without their pixels, or retouched. None of real pixels.
    """

    classes: np.ndarray
    halves: np.ndarray
    real: np.ndarray
    laid: Dict[str, np.ndarray]
    restored: Dict[str, np.ndarray]


class Shown(NamedTuple):
    """A sample by all painters.

    Attributes:
        class_id: The class that was laid.
        label_map: uint8 [H, W].
        base: uint8 BGR [H, W, 3], the photo before.
        photos: By painter, uint8 BGR [H, W, 3].
    """

    class_id: int
    label_map: np.ndarray
    base: np.ndarray
    photos: Dict[str, np.ndarray]


class WindowMaker:
    """Has objects of held-out photos laid on others, by all painters.

    Countable objects are laid at places that fit, as by ``objects=dict()``; of the
    other classes, the layer of the donor, of which the largest part counts.

    Args:
        source: Photos and label maps that no painter was trained on; the first half
            is kept apart from the second.
        painters: From :func:`build_painters`.
        cache_dir: Folder in which the label statistics are kept.
        seed: Of the plan.

    Raises:
        FileNotFoundError: When a photo or a checkpoint is missing.
        ValueError: When a painter does not fit the data, or photos are too small.
    """

    def __init__(
        self,
        source: DatasetLabelSource,
        painters: Mapping[str, Painter],
        cache_dir: str,
        seed: int = 0,
    ) -> None:
        self._source = source
        self._painters = painters
        self._seed = seed
        for painter in painters.values():
            painter.generator.check(source.num_classes, source.has_instances)
        source.require_photos()
        self._statistics = collect_statistics(source, cache_dir, with_scene=True)
        smallest = int(self._statistics.sizes.min())
        if smallest < SIDE:
            raise ValueError(
                f'windows are of {SIDE} x {SIDE} pixels, but a side of the label maps '
                f'has {smallest}: measure on larger photos'
            )

    def make(
        self, per_class: int, num_shown: int, classes: Optional[Sequence[str]] = None
    ) -> Tuple[Windows, List[Shown]]:
        """Makes windows, with a progress bar.

        Args:
            per_class: Windows of each class, at most.
            num_shown: Samples whose whole photos are kept, evenly spread.
            classes: Names of the classes; None = all that can be laid.

        Returns:
            The windows, and samples to be looked at.

        Raises:
            ValueError: When no object can be laid.
        """
        planned = self._plan(per_class, classes)
        if not planned:
            raise ValueError(
                'no object can be laid on another photo: there are too few photos, or '
                f'their objects are smaller than {_MIN_AREA} of the map'
            )
        every = max(1, len(planned) // max(num_shown, 1))
        kept: List[Any] = []
        shown: List[Shown] = []
        with Progress('Painting windows', len(planned)) as progress:
            for number, plan in enumerate(planned):
                made = self._windows(plan)
                progress.update()
                if made is None:
                    continue
                windows, sample = made
                kept.append((plan.class_id, self._half(plan.recipe.donors[0]), windows))
                # Of those that were to be shown, some are not to be seen.
                if len(shown) <= number // every and len(shown) < num_shown:
                    shown.append(sample)
        if not kept:
            raise ValueError('of all objects that were laid, none is to be seen')
        ids, halves, found = zip(*kept)
        stacked = {key: np.stack([w[key] for w in found]) for key in found[0]}
        kinds: Dict[str, Dict[str, np.ndarray]] = dict(laid={}, restored={})
        real = stacked.pop(('real', ''))
        for (kind, name), made in stacked.items():
            kinds[kind][name] = made
        return Windows(np.array(ids), np.array(halves), real, **kinds), shown

    def _half(self, index: int) -> int:
        return 2 * index // len(self._source)

    def _plan(self, per_class: int, names: Optional[Sequence[str]]) -> List[_Planned]:
        statistics = self._statistics
        things = ObjectOptions().scene(statistics, _MIN_AREA).things
        asked = list(range(statistics.num_classes))
        if names is not None:
            asked = statistics.class_ids(names, 'classes')
        planned: List[_Planned] = []
        for class_id in asked:
            common: Any = dict(classes=[class_id], min_area=_MIN_AREA)
            way: Recomposer = AddSingle(**common)
            if things[class_id]:
                objects = dict(num_objects=1, things=np.flatnonzero(things).tolist())
                way = AddMulti(objects=objects, **common)
            planned += self._plan_class(class_id, way, statistics, per_class)
        return planned

    def _plan_class(
        self, class_id: int, way: Recomposer, statistics: LabelStatistics, count: int
    ) -> Iterator[_Planned]:
        """Plans windows of a class, as many of either half of the photos."""
        try:
            # Not the same bases for all classes.
            plan = way.plan(statistics, _SPARE * count, self._seed + class_id)
        except ValueError as error:
            name = statistics.class_names[class_id]
            print_log(f'No windows of {name}: {error}', 'current')
            return
        left = [count - count // 2, count // 2]
        for sample_id, recipe in zip(sample_ids(plan, self._source), plan):
            halves = {self._half(index) for index in recipe.maps}
            if len(halves) == 1 and left[half := halves.pop()]:
                left[half] -= 1
                recipe = replace(recipe, fallback_donors=())
                yield _Planned(class_id, way, recipe, sample_id)

    def _windows(self, plan: _Planned) -> Optional[Tuple[Dict, Shown]]:
        """Makes the windows of one object; None where nothing of it is to be seen."""
        makers = {
            name: SampleMaker(
                [plan.recipe],
                1,
                plan.recomposer.recompose,
                self._source,
                painter.generator,
                painter.compositing,
                ids=[plan.id],
            )
            for name, painter in self._painters.items()
        }
        photo, labels, ids, mask = self._own_place(plan.recipe)
        made = makers[REAL].recompose([0])[0]
        where = largest_part(made.from_donors)
        smallest = _MIN_AREA * labels.size / 2
        if min(where.sum(), mask.sum()) < smallest:
            return None
        windows = {('real', ''): cut_window(photo, mask)}
        photos = {}
        for name, maker in makers.items():
            laid = maker.finish([0], maker.recompose([0]))[0].photo
            windows['laid', name] = cut_window(laid, where)
            photos[name] = laid
            if name == REAL:
                continue
            own = RecomposedMap(labels, ids, labels, plan.recipe.donors, photo=photo)
            own.laid, own.shown, own.base_photo = mask, np.ones_like(mask), photo
            if self._painters[name].compositing.paints:
                # Nothing but the labels says what was there.
                own.shown = ~mask
                own.photo = np.where(mask[..., None], np.uint8(0), photo)
            restored = maker.finish([0], [own])[0].photo
            windows['restored', name] = cut_window(restored, mask)
        assert made.base_photo is not None, 'it was recombined with photo'
        return windows, Shown(plan.class_id, made.label_map, made.base_photo, photos)

    def _own_place(self, recipe: Recipe) -> Tuple[Any, ...]:
        """Returns photo, label map, instance map and mask of an object's own photo."""
        donor = recipe.donors[0]
        maps = DonorMaps(self._source, donor, False, PhotoUse.AS_IT_IS)
        labels = maps.label_map(donor)
        if recipe.parts:
            mask = np.zeros(labels.shape, bool)
            for layer in maps.objects(donor, recipe.parts[0]):
                mask[layer.box] |= layer.mask
        else:
            mask = labels == recipe.classes[0]
        return maps.photo(donor), labels, maps.instance_map(donor), largest_part(mask)


def largest_part(mask: np.ndarray) -> np.ndarray:
    """Returns the largest connected part of a mask: bool [H, W]."""
    count, parts, found, _ = cv2.connectedComponentsWithStats(
        mask.view(np.uint8), connectivity=8
    )
    if count == 1:
        return mask
    return parts == 1 + found[1:, cv2.CC_STAT_AREA].argmax()
