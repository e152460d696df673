"""Packing of samples for the training of a generator."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from mmseg_ganaug import compat
from mmseg_ganaug.registry import TRANSFORMS


def to_tensor(array: np.ndarray) -> Tensor:
    """Converts an array [H, W] or [H, W, C] to a tensor [1 or C, H, W]."""
    array = array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(array))


def unpack_photo(photo: Tensor) -> Tensor:
    """Converts a packed photo to the channel order of MMSeg.

    Args:
        photo (Tensor): ``img_photo`` of :class:`PackLabelToImage`, RGB [3, H, W].

    Returns:
        Tensor: BGR [3, H, W].
    """
    return photo.flip(0)


@TRANSFORMS.register_module()
class PackLabelToImage(BaseTransform):
    """Packs label map, photo and instance map into a sample for MMagic.

    Required keys: ``img`` (uint8 BGR [H, W, 3]), ``gt_seg_map`` (uint8 [H, W]);
    optional: ``gt_instance_map`` (int32 [H, W]).

    The result has ``inputs`` with ``img_label`` (uint8 [1, H, W]), ``img_photo``
    (uint8 RGB [3, H, W]) and, where there is an instance map, ``img_instance``
    (int32 [1, H, W]); and ``data_samples`` with the keys of ``meta_keys``.

    Args:
        meta_keys (tuple[str]): Keys of the results that are kept as metainfo.
    """

    def __init__(
        self,
        meta_keys: tuple = (
            'img_path',
            'seg_map_path',
            'ori_shape',
            'img_shape',
            'flip',
            'palette',
        ),
    ) -> None:
        self.meta_keys = meta_keys
        # Imported here: the transforms of segmentation must not wait for MMagic.
        compat.prepare_synthesis()
        from mmagic.structures import DataSample

        self._sample_type = DataSample

    def transform(self, results: dict) -> dict:
        """Packs one sample."""
        photo, label_map = results['img'], results['gt_seg_map']
        inputs = {
            'img_label': to_tensor(label_map.astype(np.uint8, copy=False)),
            'img_photo': to_tensor(photo[..., ::-1]),
        }
        if 'gt_instance_map' in results:
            inputs['img_instance'] = to_tensor(results['gt_instance_map'])
        metainfo = {key: results[key] for key in self.meta_keys if key in results}
        metainfo['img_photo_channel_order'] = 'RGB'
        return {'inputs': inputs, 'data_samples': self._sample_type(metainfo=metainfo)}

    def __repr__(self) -> str:
        return f'{type(self).__name__}(meta_keys={self.meta_keys})'
