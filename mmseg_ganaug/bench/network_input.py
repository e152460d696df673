"""What a network is shown of label maps: the scale, the crops, and its own cells."""

import copy
import random
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmseg_ganaug.config_search import has_type, model_of, nested_dicts
from mmseg_ganaug.datasets.loading_steps import is_packer, kept_random_state
from mmseg_ganaug.datasets.reading import PipelineReader
from mmseg_ganaug.datasets.source_dataset import SourceDataset

#: Stride of most of MMSeg's networks, taken where a network's own cannot be found out.
ASSUMED_STRIDE = 8.0
# Goes through the pipeline beside the label map: where each pixel came from.
_PLACES = 'ganaug_places'
# Smallest side of the zeros that a network is shown; a multiple of usual strides.
_PROBE = 256
# As many bands as a photo has where the config does not say.
_RGB = (0, 0, 0)
_GRID = 9


class View(NamedTuple):
    """What one run of the training pipeline shows of a photo.

    Attributes:
        top: First row of the photo that is shown, in pixels of its label map.
        left: First column.
        bottom: Row after the last.
        right: Column after the last.
        scale: Pixels shown for one of the label map, in length.
        shape: Height and width of what is shown.
    """

    top: float
    left: float
    bottom: float
    right: float
    scale: float
    shape: Tuple[int, int]


@dataclass(frozen=True)
class Stride:
    """The cells in which a network decides.

    Attributes:
        pixels: Side of a cell, in pixels of the network's input.
        known_from: How it was found out, or why it was not.
        assumed: Whether it was not.
    """

    pixels: float
    known_from: str
    assumed: bool = False


class PipelineViews:
    """Runs the training pipeline on label maps, to see what it shows of them.

    A field with the place of each pixel goes through the pipeline as a label map does,
    so that scales, crops, flips and rotations of any transform are seen, also of those
    that look at the labels. The photo is black: its content changes no geometry.

    Args:
        dataset (SourceDataset): The training data.
    """

    def __init__(self, dataset: SourceDataset) -> None:
        self._dataset = dataset
        self._steps: Dict[int, List[Callable]] = {}

    def draw(self, index: int, label_map: np.ndarray, seed: int) -> View:
        """Runs the pipeline once.

        Args:
            index (int): Of the sample.
            label_map (np.ndarray): Its label map, uint8 [H, W].
            seed (int): Of the draws of the transforms.

        Raises:
            ValueError: When the pipeline cannot be run so, or loses the places; names
                the transform.
        """
        number, info = self._dataset.locate(index)
        steps = self._steps_of(number)
        rows, columns = np.indices(label_map.shape, np.float32)
        # Below 0, so that what a transform fills in can be told from a place.
        places = np.stack([-1 - rows, -1 - columns], axis=-1)
        results: Any = dict(
            copy.deepcopy(info),
            img=np.zeros((*label_map.shape, 3), np.uint8),
            img_shape=label_map.shape,
            ori_shape=label_map.shape,
            gt_seg_map=label_map.copy(),
            seg_fields=['gt_seg_map', _PLACES],
        )
        results[_PLACES] = places
        with kept_random_state():
            for place, step in enumerate(steps):
                name = getattr(step, '__name__', type(step).__name__)
                try:
                    results = _run(step, results, seed + place)
                except Exception as error:  # Any code may be in a pipeline.
                    raise ValueError(
                        f'{name} of the training pipeline cannot be run on label maps '
                        f'alone ({type(error).__name__}: {error})'
                    ) from error
                if results[_PLACES].shape[:2] != results['gt_seg_map'].shape[:2]:
                    raise ValueError(
                        f'{name} of the training pipeline leaves out some seg_fields'
                    )
        return _view(results[_PLACES])

    def _steps_of(self, number: int) -> List[Callable]:
        """Lists the transforms between loading and packing, where that is known."""
        if number not in self._steps:
            reader: PipelineReader = self._dataset.reader(number)
            transforms = self._dataset.parts[number].pipeline.transforms
            self._steps[number] = [
                step
                for place, step in enumerate(transforms)
                if place not in reader.loading and not is_packer(step)
            ]
        return self._steps[number]


def mixes_images(dataset: Any) -> bool:
    """Checks whether a data set config has a pipeline that mixes several samples."""
    return any(has_type(c, 'MultiImageMixDataset') for c in nested_dicts(dataset))


def _run(step: Callable, results: dict, seed: int) -> dict:
    """Runs a transform; where it changes gt_seg_map alone, on the places, too."""
    given = [dict(results), dict(results, gt_seg_map=results[_PLACES])]
    outcome = []
    for samples in given:
        # The global generators are what transforms draw from.
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        torch.default_generator.manual_seed(seed)
        outcome.append(step(samples))
        shapes = [outcome[0][key].shape[:2] for key in ('gt_seg_map', _PLACES)]
        if shapes[0] == shapes[1]:
            return outcome[0]
    return dict(outcome[0], **{_PLACES: outcome[1]['gt_seg_map']})


def _view(places: np.ndarray) -> View:
    """Reads off the places what is shown: they are an affine map of the pixels."""
    real = (places < 0).all(axis=-1)
    if not real.any():
        raise ValueError('a crop of the training pipeline shows nothing of the photo')
    grid = [np.unique(np.linspace(0, n - 1, _GRID).astype(int)) for n in real.shape]
    rows, columns = (axis.ravel() for axis in np.meshgrid(*grid, indexing='ij'))
    kept = real[rows, columns]
    pixels = np.stack([rows[kept], columns[kept], np.ones(kept.sum())], axis=1)
    affine, *_ = np.linalg.lstsq(pixels, places[rows[kept], columns[kept]], rcond=None)
    area = abs(np.linalg.det(affine[:2]))  # of the label map, for one pixel shown
    scale = 1 / np.sqrt(area) if len(pixels) > 2 and area > 0 else 1.0
    shown = -1 - places[real]
    (top, left), (bottom, right) = shown.min(axis=0), shown.max(axis=0) + 1
    shape = int(real.shape[0]), int(real.shape[1])
    top, left, bottom, right = map(float, (top, left, bottom, right))
    return View(top, left, bottom, right, float(scale), shape)


def output_stride(cfg: Config) -> Stride:
    """Finds out how many pixels of its input a network decides at once.

    The network is built without its weights, on the meta device (which computes shapes
    alone) or else on the CPU, and shown zeros: the size of what its head gives tells.

    Args:
        cfg (Config): Of the training, with a ``model``.

    Returns:
        Stride: :data:`ASSUMED_STRIDE`, with the reason, where that fails.
    """
    reason = ''
    for device in ('meta', 'cpu'):
        try:
            with kept_random_state(), torch.no_grad():
                pixels = _stride_on(cfg, device)
            return Stride(pixels, 'found by showing the network zeros')
        except Exception as error:  # Any code may be in a network.
            reason = f'{type(error).__name__}: {error}'.split('\n')[0]
    return Stride(
        ASSUMED_STRIDE, f'assumed, as the network cannot be tried: {reason}', True
    )


def _stride_on(cfg: Config, device: str) -> float:
    import mmseg.models  # noqa: F401  (registers MMSeg's networks)
    from mmseg.registry import MODELS

    config = model_of(cfg)
    for part in nested_dicts(config):
        # No weights are loaded, and no loss is asked, which may want to read data.
        for name in ('init_cfg', 'pretrained', 'loss_decode'):
            part.pop(name, None)
    scope = cfg.get('default_scope') or 'mmseg'
    with DefaultScope.overwrite_default_scope(scope), torch.device(device):
        model = MODELS.build(config).eval()
        means = (config.get('data_preprocessor') or {}).get('mean') or _RGB
        zeros = torch.zeros(1, len(means), _PROBE, _PROBE)
        features = model.extract_feat(zeros)
        heads = model.decode_head
        given = None
        for head in heads if isinstance(heads, torch.nn.ModuleList) else [heads]:
            given = head(features) if given is None else head(features, given)
    sizes = [found.shape[-1] for found in _tensors(given) if found.ndim == 4]
    return _PROBE / max(sizes)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)


def train_crop(views: List[View]) -> Optional[Tuple[int, int]]:
    """Returns the height and width that most views have; None without a view."""
    if not views:
        return None
    shapes = [view.shape for view in views]
    return max(sorted(set(shapes)), key=shapes.count)
