"""Pictures of what a generator paints while it trains."""

from typing import List, Optional

import numpy as np
import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmseg_ganaug.files import evenly_spread
from mmseg_ganaug.option_checks import check_whole
from mmseg_ganaug.registry import HOOKS
from mmseg_ganaug.visualization import colour_label_map


@HOOKS.register_module()
class LabelToImageVisualizationHook(Hook):
    """Writes rows of label map, generated photo and real photo.

    The samples are the same every time, evenly spread over the data set, and go to
    the vis backends of the runner under the name ``label_to_image``.

    Args:
        interval (int): Iterations between two pictures; there is one after the last
            iteration too.
        num_samples (int): Rows of a picture.

    Raises:
        ValueError: When one of them is no whole number >= 1.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1000, num_samples: int = 4) -> None:
        self.interval = check_whole(self, 'interval', interval, 1)
        self.num_samples = check_whole(self, 'num_samples', num_samples, 1)
        self._samples: List[dict] = []
        self._palette: Optional[list] = None

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Picks the samples: from the validation data where there are any."""
        loader = runner.val_dataloader if runner.val_loop else runner.train_dataloader
        dataset = loader.dataset
        # Loading a sample draws flips; the draws of training must not change.
        state = np.random.get_state()  # noqa: NPY002
        picked = evenly_spread(len(dataset), self.num_samples)
        self._samples = [dataset[index]['inputs'] for index in picked]
        np.random.set_state(state)  # noqa: NPY002
        self._palette = dataset.metainfo['palette']

    @master_only
    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Writes a picture where one is due."""
        if self.every_n_train_iters(runner, self.interval) or self.is_last_train_iter(
            runner
        ):
            runner.visualizer.add_image(
                'label_to_image', self._picture(runner), step=runner.iter + 1
            )

    def _picture(self, runner: Runner) -> np.ndarray:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        rows = []
        for inputs in self._samples:
            instance_map = inputs.get('img_instance')
            if instance_map is not None:
                instance_map = instance_map[None]
            photo, seen, parts = inputs['img_photo'], {}, []
            if 'img_hole' in inputs:
                holes = inputs['img_hole'].bool()
                seen = dict(photos=photo[None], holes=holes[None])
                parts.append(photo.masked_fill(holes, 255))
            painted = model.paint(inputs['img_label'][None], instance_map, **seen)
            photos = torch.cat([*parts, painted[0].cpu(), photo], dim=-1)
            label_map = colour_label_map(
                inputs['img_label'][0].numpy(),
                self._palette,
                model.label_encoder.ignore_index,
            )
            rows.append(np.hstack([label_map, photos.permute(1, 2, 0).numpy()]))
        return np.vstack(rows)
