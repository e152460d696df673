"""Pictures of the first samples that a segmenter trains on."""

from typing import Optional

import mmcv
import numpy as np
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmseg_ganaug.engine.mixed_samples import SampleReader
from mmseg_ganaug.option_checks import check_whole
from mmseg_ganaug.registry import HOOKS
from mmseg_ganaug.synthesis.online import GANSegDataPreProcessor


@HOOKS.register_module()
class MixedSamplesHook(Hook):
    """Shows the first real and generated samples as the segmenter is given them.

    They are taken from the first batches, behind all augmentation, so that looking at
    them changes nothing. Each goes to the vis backends of the runner's visualizer, as
    ``mixed_sample_NN_generated`` or ``mixed_sample_NN_real``: the photo, and beside it
    the photo under its labels, ignored pixels hatched, in an orange frame when it was
    generated and a blue one when it is real. Photos that
    :class:`GANSegDataPreProcessor` paints are shown painted.

    Args:
        num_samples (int): Number of pictures. Defaults to 8.

    Raises:
        ValueError: When ``num_samples`` is no whole number >= 0.
    """

    priority = 'LOW'

    def __init__(self, num_samples: int = 8) -> None:
        self.num_samples = check_whole(self, 'num_samples', num_samples)
        self._shown = 0
        self._reader: Optional[SampleReader] = None

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Looks up palette and generated parts of the data set."""
        self._shown = 0
        self._reader = SampleReader(runner.train_dataloader.dataset)

    @master_only
    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Shows the samples of the batch until there are enough."""
        if self._shown >= self.num_samples:
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if isinstance(model.data_preprocessor, GANSegDataPreProcessor):
            data_batch = model.data_preprocessor.paint_batch(data_batch)
        reader = self._reader
        for photo, data_sample in zip(data_batch['inputs'], data_batch['data_samples']):
            if self._shown >= self.num_samples:
                return
            sample = reader.read(photo, data_sample)
            overlay = sample.overlay(reader.palette, reader.ignore_index)
            runner.visualizer.add_image(
                f'mixed_sample_{self._shown:02d}_{sample.kind}',
                mmcv.bgr2rgb(np.hstack([sample.photo, overlay])),
                step=runner.iter,
            )
            self._shown += 1
