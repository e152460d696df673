"""Clusters of object features, from which a generator paints varied photos."""

from typing import List

import numpy as np
import torch
from mmengine.dist import broadcast, master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmseg_ganaug.files import evenly_spread
from mmseg_ganaug.models.pix2pixhd.region_code import (
    encode_regions,
    number_regions,
)
from mmseg_ganaug.option_checks import check_whole
from mmseg_ganaug.registry import HOOKS


@HOOKS.register_module()
class FeatureClusterHook(Hook):
    """Clusters the encoder's features of the training objects, class by class.

    Source: Wang et al., CVPR 2018. The clusters become part of the model, and of its
    checkpoints from then on.

    Args:
        interval (int): Iterations between two clusterings; there is one after the
            last iteration too.
        num_samples (int): Photos that are read, evenly spread over the data set.

    Raises:
        ValueError: When one of them is no whole number >= 1.
    """

    # Before EMAHook copies the clusters of this iteration, and before the checkpoint.
    priority = 'ABOVE_NORMAL'

    def __init__(self, interval: int = 10000, num_samples: int = 500) -> None:
        self.interval = check_whole(self, 'interval', interval, 1)
        self.num_samples = check_whole(self, 'num_samples', num_samples, 1)

    def before_train(self, runner: Runner) -> None:
        """Checks that there is an encoder."""
        if self._model(runner).encoder is None:
            raise ValueError(
                'FeatureClusterHook needs a Pix2PixHD with an encoder: add encoder='
                "dict(type='Pix2PixHDEncoder') to the model, or take the hook out"
            )

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Clusters where it is due."""
        if self.every_n_train_iters(runner, self.interval) or self.is_last_train_iter(
            runner
        ):
            self._fit(runner)
            broadcast(self._model(runner).region_code.clusters)

    @master_only
    @torch.no_grad()
    def _fit(self, runner: Runner) -> None:
        model = self._model(runner)
        encoder = model.get_module(model.encoder)
        dataset = runner.train_dataloader.dataset
        # Loading a sample draws flips; the draws of training must not change.
        state = np.random.get_state()  # noqa: NPY002
        labels: List[np.ndarray] = []
        features: List[np.ndarray] = []
        for index in evenly_spread(len(dataset), self.num_samples):
            sample = dataset[index]
            data = {key: [value] for key, value in sample.items()}
            inputs = model.data_preprocessor(data, True)['inputs']
            numbers, region_labels = number_regions(
                inputs['img_label'], inputs.get('img_instance')
            )
            photo = inputs['img_photo']
            codes = encode_regions(encoder, photo, numbers, len(region_labels))
            labels.append(region_labels.cpu().numpy())
            features.append(codes.float().cpu().numpy())
        np.random.set_state(state)  # noqa: NPY002
        model.region_code.fit(np.concatenate(labels), np.concatenate(features))

    @staticmethod
    def _model(runner: Runner):
        return runner.model.module if is_model_wrapper(runner.model) else runner.model
