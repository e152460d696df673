"""What the validation photos can show: intervals of an IoU, and confusions."""

from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from mmseg_ganaug.checkpoints import load_strictly, read_state_dict
from mmseg_ganaug.config_search import model_of, nested_dicts
from mmseg_ganaug.evaluation.bootstrap import CONFIDENCE, WIDEST, resampled_ious
from mmseg_ganaug.progress import Progress

#: Spread (standard deviation) of a class's IoU from photo to photo that is taken where
#: no network has been tested yet. Of a network on IDD-Lite it is 0.14 to 0.16 for
#: classes of 17 to 43 % IoU, with several objects a photo; of single objects that are
#: found or missed it is up to 0.5.
PHOTO_SPREAD = 0.2


class Predicted(NamedTuple):
    """What a network made of the validation photos.

    Attributes:
        counts: int64 [photos, C, 3], see
            :mod:`~mmseg_ganaug.evaluation.photo_counts`.
        confusion: int64 [C, C], pixels by their label and by what was predicted.
    """

    counts: np.ndarray
    confusion: np.ndarray


def expected_margins(pixels: np.ndarray) -> np.ndarray:
    """Estimates how unsure the IoU of each class stays on some photos.

    A class's IoU over photos is a mean of those of the photos, weighted by its pixels.
    With a spread of :data:`PHOTO_SPREAD` it has the standard error of a plain mean over
    ``sum(pixels)**2 / sum(pixels**2)`` photos: that is how many count. It takes photos
    for independent; of frames of one drive, fewer count.

    Args:
        pixels (np.ndarray): int [photos, C], pixels of each class in each photo.

    Returns:
        np.ndarray: float64 [C], half the width of the 95 % interval in points of IoU;
        NaN for a class that no photo shows.
    """
    pixels = pixels.astype(float)
    total, squares = pixels.sum(axis=0), (pixels**2).sum(axis=0)
    with np.errstate(invalid='ignore', divide='ignore'):
        error = PHOTO_SPREAD * np.sqrt(squares) / total
    return np.minimum(100 * _quantile() * error, WIDEST)


def measured_margins(counts: np.ndarray) -> np.ndarray:
    """Measures how unsure the IoU of each class is, by drawing the photos again.

    Args:
        counts (np.ndarray): int64 [photos, C, 3], of one network.

    Returns:
        np.ndarray: float64 [C], half the width of the 95 % interval in points of IoU;
        NaN for a class that no photo shows. Of one that a single photo shows it is
        that of :func:`expected_margins`: drawn again, it is the same photo.
    """
    drawn = resampled_ious(counts[None])[:, 0]
    margins = np.full(drawn.shape[1], np.nan)
    shown = counts[..., 2].any(axis=0) & ~np.isnan(drawn).all(axis=0)
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.nanquantile(drawn[:, shown], ends, axis=0)
    margins[shown] = (high - low) / 2
    alone = (counts[..., 2] > 0).sum(axis=0) == 1
    return np.where(alone, expected_margins(counts[..., 2]), margins)


def predict_val(
    cfg: Config,
    checkpoint: Union[str, Path],
    num_classes: int,
    device: Optional[str] = None,
    ignore_index: int = 255,
) -> Predicted:
    """Has a trained network label the validation photos, and compares with the labels.

    Args:
        cfg (Config): With the ``model`` and the ``val_dataloader``.
        checkpoint (str | Path): Its weights; nothing else is loaded.
        num_classes (int): Number of classes C.
        device (str, optional): Torch device. Defaults to None: the first GPU where
            there is one, else the CPU.
        ignore_index (int): Label value of pixels without a class, which may be the
            number of one. Defaults to 255.

    Raises:
        FileNotFoundError: When there is no such checkpoint.
        CheckpointError: When it cannot be read or does not fit the model.
    """
    import mmseg.models  # noqa: F401  (registers MMSeg's networks)
    from mmseg.registry import DATASETS, MODELS

    if not Path(checkpoint).is_file():
        raise FileNotFoundError(
            f'checkpoint {checkpoint} does not exist: correct the path, or leave it '
            'out, and confusions are not looked for'
        )
    config = model_of(cfg)
    for part in nested_dicts(config):
        # The weights of the checkpoint take the place of pretrained ones.
        part.pop('init_cfg', None)
        part.pop('pretrained', None)
    with DefaultScope.overwrite_default_scope(cfg.get('default_scope') or 'mmseg'):
        model = MODELS.build(config)
        dataset = DATASETS.build(cfg.val_dataloader.dataset)
    load_strictly(model, read_state_dict(checkpoint), checkpoint)
    device = device or ('cuda:0' if torch.cuda.is_available() else 'cpu')
    model.requires_grad_(False).to(device).eval()
    counts: List[np.ndarray] = []
    confusion = np.zeros((num_classes, num_classes), np.int64)
    with Progress('Looking for confusions', len(dataset)) as progress:
        for index in range(len(dataset)):
            (sample,) = model.test_step(pseudo_collate([dataset[index]]))
            found = _confusion(sample, num_classes, ignore_index)
            confusion += found
            same, label = found.diagonal(), found.sum(axis=1)
            union = label + found.sum(axis=0) - same
            counts.append(np.stack([same, union, label], axis=1))
            progress.update()
    return Predicted(np.stack(counts), confusion)


def _confusion(sample: Any, num_classes: int, ignore_index: int) -> np.ndarray:
    """Counts pixels by label and prediction; those without a class do not count."""
    label = sample.gt_sem_seg.data.cpu().numpy().ravel().astype(np.int64)
    predicted = sample.pred_sem_seg.data.cpu().numpy().ravel().astype(np.int64)
    valid = (label >= 0) & (label < num_classes) & (label != ignore_index)
    joined = label[valid] * num_classes + predicted[valid]
    counted = np.bincount(joined, minlength=num_classes**2)
    return counted.reshape(num_classes, num_classes)


def _quantile() -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + CONFIDENCE) / 2))
