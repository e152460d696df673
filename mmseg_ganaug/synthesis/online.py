"""Photos of recombined label maps, painted within the training step."""

import logging
from functools import partial
from inspect import signature
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.logging import print_log
from mmseg.models import SegDataPreProcessor
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from mmseg_ganaug.class_option_checks import check_ignore_index, check_num_classes
from mmseg_ganaug.config_search import has_type, nested_dicts
from mmseg_ganaug.option_checks import check_choice, check_mapping
from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.safe_configs import runner_values
from mmseg_ganaug.synthesis.batches import by_shape
from mmseg_ganaug.synthesis.blending import blend
from mmseg_ganaug.synthesis.compositing import build_compositing
from mmseg_ganaug.synthesis.generator import (
    Generator,
    PaintContext,
    build_generator,
    generator_class,
    trait,
)
from mmseg_ganaug.synthesis.photometric_distortion import PhotometricDistortion
from mmseg_ganaug.synthesis.windows import paint_windows, warn_of_statistics

# What MMSeg's transforms fill label maps up with.
_PADDING_LABEL = 255
_BATCHES_UNTIL_WARNING = 50


@MODELS.register_module()
class GANSegDataPreProcessor(SegDataPreProcessor):
    """MMSeg's data preprocessor that first paints the photos of recombined labels.

    In training, each sample that ``RecomposeLabels`` has marked (``recomposed=True``,
    which has to be among the ``meta_keys`` of ``PackSegInputs``) gets a photo painted
    from its label map, on the device, before it is normalised like the others. What
    ``paste_pixels`` has made of real photos is not marked. At inference this is MMSeg's
    ``SegDataPreProcessor``, and no generator is needed.

    The generator is loaded when the first training batch comes. It gets no gradients,
    stays in evaluation mode, and is no part of the segmenter: neither of its
    parameters and checkpoints, nor of what DDP synchronises or ``torch.compile``
    traces.

    Pixels that are ignored and black in the photo are taken for padding, and stay
    black. Ignored pixels otherwise are painted as the generator has learnt to.

    Args:
        generator (dict): ``config`` and ``checkpoint`` of the trained generator, and
            its ``precision``, see :class:`~mmseg_ganaug.synthesis.MMagicGenerator`, or
            ``type`` and options of another, see
            :class:`~mmseg_ganaug.synthesis.Generator`; its ``device`` is that of the
            segmenter. One that uses a context sees of the donors' photos nothing.
        num_classes (int, optional): Number of classes of the data set, to be checked
            against the generator's before the first batch. Defaults to None: label
            values alone are checked.
        ignore_index (int): Label value of unlabelled pixels in the data set; 255 and
            ``seg_pad_val`` are taken for such too. Defaults to 255.
        photometric_distortion (dict, optional): Arguments of
            :class:`PhotometricDistortion`, which painted photos then go through: the
            pipeline's own comes too early for them. ``dict()`` gives the ranges of
            MMSeg's. Defaults to None: no distortion.
        composite (str | dict): What of a photo is generated: 'full', or 'changed' with
            options, such as ``dict(mode='changed', windows=True)``, see
            :class:`~mmseg_ganaug.synthesis.Compositing`. The latter needs
            ``mark_changed=True`` in ``RecomposeLabels``. Defaults to 'full'.
        **kwargs: Those of :class:`mmseg.models.SegDataPreProcessor`.

    Raises:
        FileNotFoundError: In the first batch, when the generator's config or
            checkpoint is missing.
        ValueError: When an option is of the wrong type or outside its range. In the
            first batch, when the numbers of classes differ, or a
            ``MultiImageMixDataset`` mixes photos that are to be painted; in any, when
            a label value is no class of the generator's, or instance maps that it
            needs are missing.
    """

    def __init__(
        self,
        generator: dict,
        num_classes: Optional[int] = None,
        ignore_index: int = 255,
        photometric_distortion: Optional[dict] = None,
        composite: Union[str, dict] = 'full',
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        # Another type of generator has other arguments.
        own = isinstance(generator, dict) and 'type' not in generator
        self._generator_config = check_mapping(
            self, 'generator', generator, ('config', 'checkpoint') if own else ()
        )
        self._num_classes = None
        if num_classes is not None:
            self._num_classes = check_num_classes(self, 'num_classes', num_classes)
        ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        self._ignored_values = {ignore_index, self.seg_pad_val, _PADDING_LABEL}
        self._distortion = None
        if photometric_distortion is not None:
            options = check_mapping(
                self,
                'photometric_distortion',
                photometric_distortion,
                known=tuple(signature(PhotometricDistortion).parameters),
            )
            self._distortion = PhotometricDistortion(**options)
        self._compositing = build_compositing(composite, ())
        check_choice(self, 'composite', self._compositing.mode, ('full', 'changed'))
        self._rgb_inputs = kwargs.get('rgb_to_bgr', False)
        self._generator: Any = None
        self._generator_device = None
        self._paint_on_device: Any = None
        self._unmarked_batches = 0

    def forward(self, data: dict, training: bool = False) -> Dict[str, object]:
        """Paints in training, then does what MMSeg does.

        Args:
            data (dict): ``inputs``, BGR uint8 [3, H, W] each, as a list or stacked, and
                ``data_samples``.
            training (bool): Whether to paint, and to pad to one size.

        Returns:
            dict: ``inputs`` (float [B, 3, H, W]) and ``data_samples``.
        """
        if training:
            data = self._painted(data, self._distortion)
            self._warn_if_unmarked(data['data_samples'])
        return super().forward(data, training)

    def paint_batch(self, data: dict) -> dict:
        """Paints only: what training sees before distortion and normalisation.

        Args:
            data (dict): See :meth:`forward`; is not changed.

        Returns:
            dict: The same on the device, with the painted photos in ``inputs``.
        """
        # Training then draws the same seeds as if nobody had looked.
        with torch.random.fork_rng(devices=[]):
            return self._painted(data, None)

    # Compiled training steps run this as it is: it works on whole batches already, and
    # its sizes and numbers of samples change.
    @torch.compiler.disable
    @torch.no_grad()
    def _painted(self, data: dict, distortion: Optional[PhotometricDistortion]) -> dict:
        data = self.cast_data(data)
        self._load()
        photos, data_samples = list(data['inputs']), data['data_samples']
        marked = [i for i, s in enumerate(data_samples) if s.get('recomposed', False)]
        for group in by_shape([photos[i] for i in marked]):
            members = [marked[i] for i in group]
            painted = self._paint(
                torch.stack([photos[i] for i in members]),
                [data_samples[i] for i in members],
                distortion,
            )
            for i, photo in zip(members, painted):
                photos[i] = photo
        return {**data, 'inputs': photos}

    def _paint(
        self,
        photos: Tensor,
        data_samples: Sequence[SegDataSample],
        distortion: Optional[PhotometricDistortion],
    ) -> Tensor:
        """Paints samples of one size; ``photos`` are those in their place so far."""
        labels = torch.stack([sample.gt_sem_seg.data for sample in data_samples])
        ignored = torch.zeros_like(labels, dtype=torch.bool)
        for value in self._ignored_values:
            ignored |= labels == value
        labels = labels.masked_fill(ignored, self._generator.ignore_index)
        black = (photos == 0).all(dim=1, keepdim=True)
        # Recon has no base: all of the photo in its place is black.
        padding = ignored & black & ~black.flatten(1).all(1).view(-1, 1, 1, 1)
        labels = labels.to(torch.uint8)
        # The generator has a precision of its own.
        with torch.autocast(self.device.type, enabled=False):
            real = photos if self._rgb_inputs else photos.flip(1)
            context = None
            if trait(self._generator, 'uses_context'):
                context = self._context(real, data_samples)
            if self._compositing.needs_photo:
                painted = self._composited(real, labels, padding, data_samples, context)
            else:
                instances = None
                if self._generator.uses_instances:
                    instances = torch.stack([self._instances(s) for s in data_samples])
                painted = self._paint_on_device(labels, instances, context)
        if distortion is not None:
            painted = distortion(painted)
        if not self._rgb_inputs:
            painted = painted.flip(1)
        return painted.masked_fill(padding, 0).to(photos.dtype)

    def _composited(
        self,
        photos: Tensor,
        labels: Tensor,
        padding: Tensor,
        data_samples: Sequence[SegDataSample],
        context: Optional[PaintContext],
    ) -> Tensor:
        """Paints what has changed into RGB photos, as stored samples are painted."""
        maps, filled = labels[:, 0].cpu().numpy(), padding[:, 0].cpu().numpy()
        instances: List[Any] = [None] * len(maps)
        if self._generator.uses_instances:
            instances = [self._instances(s)[0].cpu().numpy() for s in data_samples]
        changed = [self._changed(sample) for sample in data_samples]
        ignored = self._generator.ignore_index
        way = self._compositing
        contexts = None
        if context is not None:
            contexts = [context[i : i + 1] for i in range(len(context))]
        painted = paint_windows(
            self._generator, maps, instances, ignored, changed, way.windows, contexts
        )
        # BGR, as what is stored.
        real = photos.flip(1).permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()
        blended = [
            blend(part, photo, ~new & ~empty, new, new, way.feather, way.match_tone)
            for part, photo, new, empty in zip(painted, real, changed, filled)
        ]
        result = torch.from_numpy(np.stack(blended)).to(photos.device)
        return result.permute(0, 3, 1, 2).flip(1)

    def _context(
        self, photos: Tensor, data_samples: Sequence[SegDataSample]
    ) -> PaintContext:
        """Returns what a painter may see of samples: the RGB photos of their bases."""
        changed = np.stack([self._changed(sample) for sample in data_samples])
        seen = photos.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()
        seen = np.where(changed[..., None], np.uint8(0), seen)
        numbers = [sample.get('recipe', 0) for sample in data_samples]
        ids = tuple(f'online-{number:06d}' for number in numbers)
        # Each time that a recipe is drawn, another photo.
        seeds = tuple(torch.randint(2**32, (len(ids),)).tolist())
        return PaintContext(seen, ~changed, changed, ids, seeds)

    def _changed(self, data_sample: SegDataSample) -> np.ndarray:
        changed = data_sample.get('gt_changed_map')
        if changed is None:
            raise ValueError(
                f'{data_sample.get("img_path")} does not tell what of it has changed, '
                f'but composite is {self._compositing.mode!r}, or the generator uses a '
                'context: set mark_changed=True in RecomposeLabels, and add '
                "'gt_changed_map' to the meta_keys of PackSegInputs"
            )
        # Transforms that pad fill with other values.
        return np.asarray(changed) == 1

    def _instances(self, data_sample: SegDataSample) -> Tensor:
        instances = data_sample.get('gt_instance_map')
        if instances is None:
            raise ValueError(
                f'{data_sample.get("img_path")} has no instance map, but the generator '
                'was trained with their edges: give RecomposeLabels an instance_path, '
                "and add 'gt_instance_map' to the meta_keys of PackSegInputs"
            )
        return torch.as_tensor(instances, dtype=torch.int32, device=self.device)[None]

    def _load(self) -> None:
        if self._generator is not None and self._generator_device == self.device:
            return
        _refuse_mixed()
        config = dict(self._generator_config)
        if 'device' in signature(generator_class(config)).parameters:
            config['device'] = str(self.device)
        generator = build_generator(config)
        if self._num_classes is not None:
            generator.check(self._num_classes, has_instances=True)
        if self._compositing.windows is not None:
            warn_of_statistics(generator)
        # Building draws weights that are then overwritten: training must not notice.
        with torch.random.fork_rng(devices=[]):
            generator.load()
        if isinstance(generator, nn.Module):
            generator.eval()
        # Not as attributes are set, which would make such a one a part of this module.
        self.__dict__['_generator'] = generator
        self._generator_device = self.device
        # One that does not inherit has paint alone.
        by_arrays = partial(Generator.paint_on_device, generator)
        self._paint_on_device = getattr(generator, 'paint_on_device', by_arrays)

    def _warn_if_unmarked(self, data_samples: List[SegDataSample]) -> None:
        if self._unmarked_batches < 0:
            return
        if any('recomposed' in sample for sample in data_samples):
            self._unmarked_batches = -1
            return
        self._unmarked_batches += 1
        if self._unmarked_batches == _BATCHES_UNTIL_WARNING:
            print_log(
                f'None of the first {_BATCHES_UNTIL_WARNING} batches holds a sample '
                'that RecomposeLabels has marked, so that no photo was painted: put '
                'RecomposeLabels into the pipeline, and add '
                "'recomposed' to the meta_keys of PackSegInputs",
                logger='current',
                level=logging.WARNING,
            )


def _refuse_mixed() -> None:
    """Raises ValueError where the runner's training mixes photos yet to be painted.

    Of a mix, only one mark is left: parts of it would have new labels and old pixels.
    """
    for mix in nested_dicts(runner_values().get('train_dataloader')):
        if has_type(mix, 'MultiImageMixDataset') and any(
            has_type(step, 'RecomposeLabels') and not step.get('paste_pixels')
            for step in nested_dicts(mix.get('dataset'))
        ):
            raise ValueError(
                'RecomposeLabels: paste_pixels=False leaves photos to be painted in '
                'the training step, but MultiImageMixDataset mixes them with others '
                'before: set paste_pixels=True, or train on a GANRecomposeDataset, '
                'whose photos are painted before training'
            )
