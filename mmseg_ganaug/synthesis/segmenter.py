"""A trained segmenter that labels photos, and is not trained further."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.registry import DefaultScope
from torch.nn import functional

from mmseg_ganaug.checkpoints import load_strictly, read_state_dict
from mmseg_ganaug.config_search import (
    find_shipped,
    model_of,
    nested_dicts,
    scoped_pipeline,
)
from mmseg_ganaug.option_checks import (
    Owner,
    check_device,
    check_mapping,
    check_path,
)
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis.batches import by_shape
from mmseg_ganaug.synthesis.trained import find_checkpoint


class FrozenSegmenter:
    """Labels photos as an MMSeg model labels the photos of its test set.

    Args:
        config (str | Path): Config that the segmenter was trained with: a path from the
            working directory or one of this package (``configs/...``). Its
            ``test_pipeline`` is applied to every photo.
        checkpoint (str | Path): Its weights, or a work dir, of which the latest ones
            are taken; loaded strictly, and nothing but weights.
        device (str, optional): Torch device. Defaults to None: the first GPU where
            there is one, else the CPU.

    Raises:
        FileNotFoundError: When the config or the checkpoint is missing.
        ValueError: When the config has no ``test_pipeline``.
        CheckpointError: When the checkpoint cannot be read or does not fit.
    """

    def __init__(
        self,
        config: Union[str, Path],
        checkpoint: Union[str, Path],
        device: Optional[str] = None,
    ) -> None:
        # These imports take a second, which checking options alone does not need.
        import mmseg.models  # noqa: F401  (registers MMSeg's networks)
        from mmseg.registry import MODELS

        self.config_name = str(config)
        checkpoint = find_checkpoint(str(checkpoint), str(config), 'segmenter')
        cfg = read_config(find_shipped(config))
        if 'test_pipeline' not in cfg:
            raise ValueError(
                f'{config} has no test_pipeline, which says how a photo gets to the '
                'segmenter: add one, as the data set configs of MMSeg have'
            )
        # The weights replace the pretrained ones, which need not be there.
        model = model_of(cfg)
        for part in nested_dicts(model):
            part.pop('init_cfg', None)
            part.pop('pretrained', None)
        scope = cfg.get('default_scope') or 'mmseg'
        # MMSeg's inference puts a loader of its own scope in the place of the first.
        steps = dict(pipeline=cfg.test_pipeline[1:], _scope_=scope)
        cfg.test_pipeline[1:] = scoped_pipeline(steps)
        with DefaultScope.overwrite_default_scope(scope):
            self._model = MODELS.build(model)
        load_strictly(self._model, read_state_dict(checkpoint), checkpoint)
        self._model.cfg = cfg
        device = device or ('cuda:0' if torch.cuda.is_available() else 'cpu')
        self._model.requires_grad_(False).to(device).eval()

    @property
    def num_classes(self) -> int:
        """Number of classes that it predicts."""
        return self._head.num_classes

    @property
    def ignore_index(self) -> int:
        """Label value that was ignored in its training."""
        return self._head.ignore_index

    @property
    def _head(self):
        # Cascades have several heads; the last one gives the result.
        head = self._model.decode_head
        return head[-1] if isinstance(head, torch.nn.ModuleList) else head

    def label(self, photos: Sequence[np.ndarray]) -> List[np.ndarray]:
        """Labels photos, each one at the size at which it comes.

        Args:
            photos (Sequence[np.ndarray]): uint8 BGR [H, W, 3], of any sizes.

        Returns:
            list[np.ndarray]: uint8 [H, W] each.
        """
        return [
            sample.pred_sem_seg.data[0].to(torch.uint8).cpu().numpy()
            for sample in self._predict(photos)
        ]

    def losses(
        self,
        photos: Sequence[np.ndarray],
        label_maps: Sequence[np.ndarray],
        ignore_index: int,
    ) -> List[np.ndarray]:
        """Computes the loss of each pixel of photos under their labels.

        Args:
            photos (Sequence[np.ndarray]): uint8 BGR [H, W, 3], of any sizes.
            label_maps (Sequence[np.ndarray]): uint8 [H, W], of the same sizes.
            ignore_index (int): Label value of pixels that do not count.

        Returns:
            list[np.ndarray]: The cross entropy at each pixel, float32 [H, W]; 0 where
            the label is ``ignore_index``.
        """
        losses = []
        for sample, label_map in zip(self._predict(photos), label_maps):
            logits = sample.seg_logits.data.float()
            if len(logits) == 1:
                logits = _of_two_classes(logits)
            label = torch.from_numpy(label_map).to(logits.device, torch.int64)
            loss = functional.cross_entropy(
                logits[None], label[None], ignore_index=ignore_index, reduction='none'
            )
            losses.append(loss[0].cpu().numpy())
        return losses

    def _predict(self, photos: Sequence[np.ndarray]) -> List[Any]:
        """Returns an MMSeg ``SegDataSample`` for each photo."""
        from mmseg.apis import inference_model

        predicted: List[Any] = [None] * len(photos)
        with DefaultScope.overwrite_default_scope('mmseg'):
            for members in by_shape(photos):
                batch = [photos[i] for i in members]
                for i, sample in zip(members, inference_model(self._model, batch)):
                    predicted[i] = sample
        return predicted


def _of_two_classes(shares: torch.Tensor) -> torch.Tensor:
    """Returns logits [2, H, W] of the share [1, H, W] of the second of two classes.

    Where a head has one channel (``out_channels=1``), MMSeg gives the sigmoid of it.
    """
    # It rounds to 0 or 1 where the head is sure, which is not infinitely sure.
    second = torch.logit(shares, eps=torch.finfo(shares.dtype).eps)
    return torch.cat([torch.zeros_like(second), second])


def check_segmenter(owner: Owner, segmenter: Any) -> Dict[str, Any]:
    """Checks the arguments of a ``FrozenSegmenter``, and returns them.

    Args:
        owner (str | object): Whose option it is.
        segmenter (dict): ``config``, ``checkpoint`` and, optionally, ``device``.

    Raises:
        ValueError: When one is missing, unknown, or of the wrong type.
    """
    files = ('config', 'checkpoint')
    options = check_mapping(
        owner, 'segmenter', segmenter, needed=files, known=(*files, 'device')
    )
    for name in files:
        check_path(owner, f'segmenter.{name}', options[name])
    check_device(owner, 'segmenter.device', options.get('device'))
    return options
