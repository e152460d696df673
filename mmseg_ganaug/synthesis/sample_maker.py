"""One generated sample, from its recipe to what is stored."""

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence

import numpy as np

from mmseg_ganaug.recompose import LabelSource, Recipe, RecomposedMap
from mmseg_ganaug.synthesis.compositing import Compositing
from mmseg_ganaug.synthesis.filters import SampleFilter, ignored_by_class
from mmseg_ganaug.synthesis.generator import PaintContext, seed_of, trait
from mmseg_ganaug.synthesis.real_pixels import RealPixels
from mmseg_ganaug.synthesis.windows import Painted, paint_windows


@dataclass(frozen=True)
class Sample:
    """A generated pair, and what was done to it.

    Attributes:
        photo: uint8 BGR [H, W, 3]; where nothing is painted, as the real photos
            are: uint8 or uint16 [H, W, bands].
        label_map: uint8 [H, W].
        report: What compositing and filters did, as JSON values: ``recipe`` (the one
            that was used), ``dropped`` (recipes before it that did not pass),
            ``passed`` (whether this one did), and for each class its ``pixels`` and
            how many of them were ``ignored``. None where nothing could be done.
    """

    photo: np.ndarray
    label_map: np.ndarray
    report: Optional[Dict] = None


class SampleMaker:
    """Makes samples: recombines, paints or retouches, joins real pixels, filters.

    Args:
        recipes: The plan, one recipe a sample, then those that stand in where a filter
            drops one: for sample ``i`` of ``n`` these are ``i + n``, ``i + 2 n``, ...
        num_samples: How many of the recipes are samples.
        recompose: Turns a recipe into a label map, such as ``AddSingle().recompose``.
        source: Where the layers come from.
        generator: Paints label maps, see :class:`~mmseg_ganaug.synthesis.Generator`, or
            retouches pasted pixels, see :class:`~mmseg_ganaug.synthesis.RealPixels`.
        compositing: What of a photo is generated.
        filters: What the samples go through, in order.
        ids: ID of each recipe, for generators that use a context.
    """

    def __init__(
        self,
        recipes: Sequence[Recipe],
        num_samples: int,
        recompose: Callable[..., RecomposedMap],
        source: LabelSource,
        generator,
        compositing: Optional[Compositing] = None,
        filters: Sequence[SampleFilter] = (),
        ids: Sequence[str] = (),
    ) -> None:
        self._recipes = recipes
        self._num_samples = num_samples
        self._recompose = recompose
        self._source = source
        self._generator = generator
        self._compositing = compositing or Compositing()
        self._filters = list(filters)
        self._ids = ids

    def __len__(self) -> int:
        return self._num_samples

    def recompose(self, indices: Sequence[int]) -> List[RecomposedMap]:
        """Makes label maps, without the generator.

        Args:
            indices: Numbers of recipes.
        """
        way = self._compositing
        photos = dict(
            with_photo=way.needs_photo or trait(self._generator, 'uses_context'),
            # An option that the fingerprint of 'full' leaves out.
            match_tone=way.match_tone or not way.needs_photo,
        )
        return [
            self._recompose(self._recipes[index], self._source, **photos)
            for index in indices
        ]

    def finish(
        self, indices: Sequence[int], maps: Sequence[RecomposedMap]
    ) -> List[Sample]:
        """Makes samples of label maps.

        Args:
            indices: Numbers of the samples.
            maps: What :meth:`recompose` made of them.
        """
        samples: List[Optional[Sample]] = [None] * len(indices)
        attempts = list(indices)
        places = list(range(len(indices)))
        while places:
            last = attempts[0] + self._num_samples >= len(self._recipes)
            left = []
            for place, attempt, made, painted in zip(
                places, attempts, maps, self._paint(attempts, maps)
            ):
                samples[place] = self._finished(attempt, made, painted)
                report = samples[place].report
                if report is not None and not report['passed'] and not last:
                    left.append(place)
            places = left
            # In step, so that what is painted together does not depend on the past.
            number = attempts[0] // self._num_samples + 1
            attempts = [indices[p] + number * self._num_samples for p in places]
            maps = self.recompose(attempts)
        return samples

    def _finished(
        self, attempt: int, made: RecomposedMap, painted: Optional[Painted]
    ) -> Sample:
        ignore_index = self._source.ignore_index
        pair = self._compositing.join(made, painted, ignore_index)
        if not self._filters and self._compositing.mode == 'full':
            return Sample(pair.photo, pair.label_map)
        label_map, passed = pair.label_map, True
        generated = pair.generated
        if self._filters:
            generated = generated & self._painted(attempt, made)
        for each in self._filters:
            filtered = each.apply(pair.photo, label_map, generated)
            if filtered is None:
                passed = False
                break
            label_map = filtered
        report = dict(
            recipe=attempt,
            dropped=attempt // self._num_samples,
            passed=passed,
            **ignored_by_class(made.label_map, label_map, self._source.num_classes),
        )
        return Sample(pair.photo, label_map, report)

    def _painted(self, number: int, made: RecomposedMap) -> np.ndarray:
        """Finds what the generator paints of a sample: bool [H, W]."""
        labels = made.label_map
        find = getattr(self._generator, 'painted_pixels', None)
        sees = self._compositing.paints and trait(self._generator, 'uses_context')
        if find is None or not sees:
            return np.ones(labels.shape, bool)
        return find(labels[None], self.context(number, made))[0]

    def context(self, number: int, made: RecomposedMap) -> PaintContext:
        """Returns what a painter may see of a sample: a batch of one.

        Args:
            number: That of its recipe.
            made: What :meth:`recompose` made of it, with photo.
        """
        assert made.photo is not None and made.shown is not None, 'made with photo'
        photo = np.where(made.shown[..., None], made.photo[..., ::-1], np.uint8(0))
        # What 'auto' leaves to the donors is not to be painted.
        changed = made.changed & self._compositing.generated(made)
        sample_id = self._ids[number]
        seed = seed_of(sample_id, self._recipes[number].seed)
        return PaintContext(
            photo[None], made.shown[None], changed[None], (sample_id,), (seed,)
        )

    def _paint(
        self, attempts: Sequence[int], maps: Sequence[RecomposedMap]
    ) -> Sequence[Optional[Painted]]:
        if not self._compositing.paints:
            if isinstance(self._generator, RealPixels):
                photos = [self._generator.retouch(made) for made in maps]
                return [Painted(p, np.ones(p.shape[:2], bool)) for p in photos]
            return [None] * len(maps)
        contexts = None
        if trait(self._generator, 'uses_context'):
            contexts = [self.context(*pair) for pair in zip(attempts, maps)]
        return paint_windows(
            self._generator,
            [made.label_map for made in maps],
            [made.instance_map for made in maps],
            self._source.ignore_index,
            [self._compositing.generated(made) for made in maps],
            self._compositing.windows,
            contexts,
        )
