"""Samples of a training pipeline, prepared for display."""

from dataclasses import dataclass
from pathlib import Path
from typing import List

import numpy as np
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.utils.data import Dataset

from mmseg_ganaug.datasets import generated_parts
from mmseg_ganaug.datasets.photo_form import shown_photo
from mmseg_ganaug.visualization import framed, overlay_label_map

# Label that MMSeg's transforms pad with.
_PADDING = 255


@dataclass(frozen=True)
class MixedSample:
    """A training sample behind its augmentation.

    Args:
        photo (np.ndarray): BGR uint8 [H, W, 3].
        label_map (np.ndarray): uint8 [H, W], values 0..C-1 and ``ignore_index``.
        generated (bool): Whether its photo was generated.
        name (str): Name of its photo file; that of the base for a sample made in the
            pipeline.
    """

    photo: np.ndarray
    label_map: np.ndarray
    generated: bool
    name: str

    @property
    def kind(self) -> str:
        """'generated' or 'real'."""
        return 'generated' if self.generated else 'real'

    def overlay(self, palette: List, ignore_index: int) -> np.ndarray:
        """Lays the labels over the photo, in a frame whose colour shows the kind.

        Args:
            palette (list): C RGB triples, 0..255.
            ignore_index (int): Hatched.

        Returns:
            np.ndarray: BGR uint8 [H, W, 3].
        """
        image = overlay_label_map(self.photo, self.label_map, palette, ignore_index)
        return framed(image, self.generated)


class SampleReader:
    """Reads packed samples of a mixed data set.

    Args:
        dataset (Dataset): The training data set.
    """

    def __init__(self, dataset: Dataset) -> None:
        self.palette = dataset.metainfo['palette']
        self.class_names = dataset.metainfo['classes']
        leaf = dataset
        while not hasattr(leaf, 'ignore_index'):
            leaf = leaf.datasets[0] if hasattr(leaf, 'datasets') else leaf.dataset
        self.ignore_index = leaf.ignore_index
        self._folders = {
            Path(part.get_data_info(0)['img_path']).parent
            for part in generated_parts(dataset)
        }

    def read(self, photo: Tensor, data_sample: SegDataSample) -> MixedSample:
        """Reads a sample that ``PackSegInputs`` has packed.

        A sample counts as generated when its photo lies in the store of a generated
        data set, or ``RecomposeLabels`` has marked it (``recomposed`` among the
        ``meta_keys`` of ``PackSegInputs``).

        Args:
            photo (Tensor): [bands, H, W] of any type.
            data_sample (SegDataSample): With ``gt_sem_seg``.

        Returns:
            MixedSample: The sample.
        """
        path = Path(data_sample.get('img_path', ''))
        label_map = data_sample.gt_sem_seg.data[0].cpu().numpy().astype(np.uint8)
        if self.ignore_index != _PADDING and len(self.palette) <= _PADDING:
            label_map[label_map == _PADDING] = self.ignore_index
        return MixedSample(
            photo=shown_photo(photo.permute(1, 2, 0).cpu().numpy()),
            label_map=label_map,
            generated=bool(
                path.parent in self._folders or data_sample.get('recomposed', False)
            ),
            name=path.name,
        )
