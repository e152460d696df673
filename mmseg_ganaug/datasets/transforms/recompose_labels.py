"""Recombination inside a data pipeline."""

from os.path import abspath
from typing import Dict, Optional, Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmengine.logging import print_log

from mmseg_ganaug.config_search import has_type
from mmseg_ganaug.option_checks import (
    check_bool,
    check_choice,
    check_mapping,
    check_path,
    check_seed,
    check_share,
    check_size,
    check_whole,
)
from mmseg_ganaug.recompose.layers import TONES, Tone
from mmseg_ganaug.registry import GENERATORS, RECOMPOSERS, TRANSFORMS
from mmseg_ganaug.synthesis.harmonized_pixels import paints
from mmseg_ganaug.synthesis.real_pixels import RealPixels


@TRANSFORMS.register_module()
class RecomposeLabels(BaseTransform):
    """Puts a recombination of the data set in the place of a sample.

    It plans recombinations of ``source`` when it is built, as
    :class:`~mmseg_ganaug.datasets.GANRecomposeDataset` does, so that the label
    distribution moves to the same target; the workers then carry out one recipe of
    that plan for each sample drawn. It belongs right behind ``LoadAnnotations``:
    crops, flips and resizes follow.

    With ``paste_pixels`` the photo is recombined too: copy-paste with real pixels
    (Ghiasi et al., CVPR 2021) on the very layers that the generator would paint. Holes
    that Recon fills show another class; they become ``ignore_index``. Without it the
    labels alone are new, and ``GANSegDataPreProcessor`` has to paint the photo within
    the training step: until then the photo is that of the base (black under Recon),
    and the sample is marked by ``recomposed``, which has to be among the ``meta_keys``
    of ``PackSegInputs``. Such samples must not be mixed (``MultiImageMixDataset``).

    Required keys: ``img``, ``gt_seg_map``, ``seg_fields``. Modified: those, and
    ``img_shape``, ``ori_shape``, ``img_path``, ``seg_map_path``. Added: ``recomposed``
    (bool, whether the photo has still to be painted), and for a recombined sample
    ``recipe`` (int, its number in the plan) and, for sources with instance maps,
    ``gt_instance_map`` (int32 [H, W]) in ``seg_fields``; with ``mark_changed`` also
    ``gt_changed_map`` (uint8 [H, W]: 1 where the label is not that of the photo).

    Args:
        source (dict): Config of the MMSeg data set that gives base and donors: the one
            that the pipeline belongs to. Its ``pipeline`` needs the loading transforms
            alone, and may be left out where these are MMSeg's own.
        recomposer (dict): Config of the way: ``AddSingle``, ``AddMulti`` or ``Recon``.
        cache_dir (str): Folder in which the label statistics of the source are kept.
        prob (float): Share (0..1) of the samples that are replaced. Defaults to 0.5.
        paste_pixels (bool): Whether real pixels come along. Defaults to False.
        match_tone (bool | str): Whether pasted pixels take the light of the photo that
            they are laid into; by 'gain', by multiplying alone. Defaults to False, as
            in plain copy-paste.
        mark_changed (bool): Whether ``gt_changed_map`` is added, for a
            ``GANSegDataPreProcessor`` that paints what has changed alone: it has to be
            among the ``meta_keys`` of ``PackSegInputs``. Defaults to False.
        retouch (dict, optional): Config of what changes pasted pixels, on the CPU of
            each worker: :class:`~mmseg_ganaug.synthesis.HarmonizedPixels` or
            :class:`~mmseg_ganaug.synthesis.BlurredPixels`. Defaults to None.
        num_recipes (int): Different recombinations planned. Defaults to 10000.
        scale (tuple[int, int], optional): Width and height in pixels at which maps are
            recombined. Defaults to None: as they are.
        instance_path (tuple[str, str], optional): What to replace in a label file's
            path, and by what, to get its instance map's. Defaults to None.
        seed (int): Seed of the plan. Defaults to 0.
        num_workers (int): Processes that collect the statistics. Defaults to 0: this
            one.

    Raises:
        FileNotFoundError: When the source holds no samples.
        ValueError: When a label file holds a wrong value, or the source cannot be
            recombined this way.
    """

    def __init__(
        self,
        source: dict,
        recomposer: dict,
        cache_dir: str,
        prob: float = 0.5,
        paste_pixels: bool = False,
        match_tone: Tone = False,
        mark_changed: bool = False,
        retouch: Optional[dict] = None,
        num_recipes: int = 10000,
        scale: Optional[Tuple[int, int]] = None,
        instance_path: Optional[Tuple[str, str]] = None,
        seed: int = 0,
        num_workers: int = 0,
    ) -> None:
        # The data sets import the transforms.
        from mmseg_ganaug.datasets.label_files import check_instance_path
        from mmseg_ganaug.datasets.label_source import DatasetLabelSource
        from mmseg_ganaug.datasets.photo_form import check_colour
        from mmseg_ganaug.datasets.source_dataset import build_source
        from mmseg_ganaug.datasets.statistics import collect_statistics

        self.prob = check_share(self, 'prob', prob)
        self.paste_pixels = check_bool(self, 'paste_pixels', paste_pixels)
        self.match_tone = check_choice(self, 'match_tone', match_tone, TONES)
        self.mark_changed = check_bool(self, 'mark_changed', mark_changed)
        self._check_use()
        check_whole(self, 'num_recipes', num_recipes, 1)
        check_seed(self, 'seed', seed)
        check_whole(self, 'num_workers', num_workers)
        check_path(self, 'cache_dir', cache_dir)
        if scale is not None:
            scale = check_size(self, 'scale', scale, order='(width, height)')
        instance_path = check_instance_path(self, instance_path)
        check_mapping(self, 'recomposer', recomposer, needed=('type',))
        self._retouch = self._build_retouch(retouch, recomposer)
        self._recomposer = RECOMPOSERS.build(recomposer)
        self._source = DatasetLabelSource(build_source(source), scale, instance_path)
        self._source.require_photos()
        self._source.check_photos()
        if not (paste_pixels and self._retouch.takes_any_photo):
            title = 'the generator' if retouch is None else str(retouch['type'])
            check_colour(self._source.photo(0), self._source.photo_name(0), title)
        self._retouch.check(self._source.num_classes, False)
        self._first_checked = False
        # Numbers of the source's samples by label file, while the first is looked for.
        self._numbers: Optional[Dict[str, int]] = None
        statistics = collect_statistics(
            self._source, cache_dir, num_workers, self._recomposer.needs_scene
        )
        self.plan = self._recomposer.plan(statistics, num_recipes, seed)
        if not paste_pixels:
            print_log(
                'RecomposeLabels changes label maps only: the model needs '
                "data_preprocessor=dict(type='GANSegDataPreProcessor', ...) to paint "
                'their photos',
                logger='current',
            )

    def _check_use(self) -> None:
        """Raises ValueError where an option does nothing beside ``paste_pixels``."""
        if self.match_tone and not self.paste_pixels:
            raise ValueError(
                f'RecomposeLabels: match_tone={self.match_tone!r} is the light of '
                'pasted pixels, but paste_pixels=False pastes none: set it to True, or '
                'leave one out'
            )
        if self.mark_changed and self.paste_pixels:
            raise ValueError(
                'RecomposeLabels: mark_changed=True marks what has still to be '
                'painted, but paste_pixels=True leaves nothing to paint: set one of '
                'them to False'
            )

    def _build_retouch(self, retouch: Optional[dict], recomposer: dict) -> RealPixels:
        if retouch is None:
            return RealPixels()
        check_mapping(self, 'retouch', retouch, needed=('type',))
        if not self.paste_pixels:
            raise ValueError(
                f'RecomposeLabels: retouch={retouch!r} changes pasted pixels, but '
                'paste_pixels=False pastes none: set it to True, or leave one out'
            )
        if paints(retouch, recomposer):
            raise ValueError(
                f'RecomposeLabels: retouch={retouch!r} is nothing that changes pasted '
                "pixels: name HarmonizedPixels or BlurredPixels as its 'type'"
            )
        harmonizes = has_type(retouch, 'HarmonizedPixels')
        device = {'device': 'cpu'} if harmonizes else {}
        return GENERATORS.build({**device, **retouch})

    @cache_randomness
    def _draw(self, sample: int) -> Optional[int]:
        """Draws a recipe, or None for a sample that stays as it is."""
        # MMEngine seeds the global generator of each worker, and workers that are not
        # persistent alike in every epoch: alone, it would draw the same recipes again
        # and never the others. The order of the samples is another in every epoch.
        random = np.random
        if random.rand() >= self.prob:
            return None
        return int(random.randint(len(self.plan)) + sample) % len(self.plan)

    def transform(self, results: dict) -> dict:
        """Replaces the sample, or leaves it as it is."""
        if not self._first_checked:
            self._check_reading(results)
        number = self._draw(results.get('sample_idx', 0))
        # What pixels were pasted for is finished; the others wait for their photo.
        results['recomposed'] = number is not None and not self.paste_pixels
        if number is None:
            return results
        recipe = self.plan[number]
        # Where borders of the base grow, its photo is pulled along.
        made = self._recomposer.recompose(
            recipe,
            self._source,
            with_photo=self.paste_pixels or bool(recipe.growth),
            match_tone=self.match_tone,
        )
        label_map = made.label_map
        if self.paste_pixels:
            photo = self._source.photo_form.restored(self._retouch.retouch(made))
            label_map[~made.shown] = self._source.ignore_index
        elif recipe.base is None:
            photo = np.zeros((*label_map.shape, 3), np.uint8)
        elif made.base_photo is not None:
            photo = self._source.photo_form.restored(made.base_photo).copy()
        else:
            # Transforms that follow may write into it.
            photo = self._source.photo(recipe.base).copy()
        results['img'] = photo
        results['gt_seg_map'] = label_map
        results['seg_fields'] = ['gt_seg_map']
        if made.instance_map is not None:
            results['gt_instance_map'] = made.instance_map
            results['seg_fields'].append('gt_instance_map')
        if self.mark_changed:
            results['gt_changed_map'] = made.changed.astype(np.uint8)
            results['seg_fields'].append('gt_changed_map')
        results['img_shape'] = results['ori_shape'] = label_map.shape
        # No file holds this sample; these name the first it is made of.
        first = recipe.maps[0]
        results['img_path'] = self._source.photo_name(first)
        results['seg_map_path'] = self._source.name(first)
        results['recipe'] = number
        return results

    def _check_reading(self, results: dict) -> None:
        """Compares what the pipeline loaded with what the source would load.

        Raises:
            LabelReadingError: When the label maps differ.
        """
        labels, path = results['gt_seg_map'], results.get('seg_map_path')
        source = self._source.full_size()
        if self._numbers is None:
            self._numbers = {
                abspath(source.name(number)): number for number in range(len(source))
            }
        index = self._numbers.get(abspath(path or ''))
        if index is None:
            return
        self._first_checked, self._numbers = True, None
        wanted = source.label_map(index)
        if wanted.shape == labels.shape and not np.array_equal(wanted, labels):
            from mmseg_ganaug.datasets.loading_steps import LabelReadingError

            raise LabelReadingError(
                f'the pipeline loads {path} with other labels than RecomposeLabels, '
                'whose source has no pipeline or another one: give it the same loading '
                'transforms, source=dict(..., pipeline=[...])'
            )

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(recomposer={type(self._recomposer).__name__}, '
            f'prob={self.prob}, paste_pixels={self.paste_pixels}, '
            f'match_tone={self.match_tone}, mark_changed={self.mark_changed}, '
            f'num_recipes={len(self.plan)})'
        )
