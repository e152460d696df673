"""Loading of instance maps."""

from typing import Optional, Tuple

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_ganaug.datasets.label_files import find_instance_path
from mmseg_ganaug.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadInstanceMap(BaseTransform):
    """Loads the instance map that belongs to a label map.

    Comes after MMSeg's ``LoadAnnotations``; MMSeg's transforms then treat the
    instance map as they treat the label map (nearest resizing, flips, crops).

    Required keys: ``seg_map_path``, ``gt_seg_map``, ``seg_fields``, and
    ``inst_map_path`` where ``instance_path`` is not given. Added key:
    ``gt_instance_map`` (int32 [H, W], 8-, 16- or 32-bit in the file; Cityscapes ids
    pass 32767, which int16 cannot hold).

    Args:
        instance_path (tuple[str, str], optional): What to replace in ``seg_map_path``,
            and by what, for data sets that give no ``inst_map_path``.
        backend_args (dict, optional): MMEngine's file backend.
    """

    def __init__(
        self,
        instance_path: Optional[Tuple[str, str]] = None,
        backend_args: Optional[dict] = None,
    ) -> None:
        self.instance_path = instance_path
        self.backend_args = backend_args

    def transform(self, results: dict) -> dict:
        """Adds ``gt_instance_map``.

        Raises:
            ValueError: When there is no instance map, or it does not fit the label
                map; names the files.
        """
        path = find_instance_path(results, self.instance_path)
        if path is None:
            raise ValueError(
                f'{results["seg_map_path"]} has no instance map: give instance_path='
                "('old text', 'new text') that turns its path into that of the "
                'instance map, or train without instances (with_instances=False)'
            )
        content = fileio.get(path, backend_args=self.backend_args)
        instance_map = mmcv.imfrombytes(content, flag='unchanged', backend='pillow')
        label_shape = results['gt_seg_map'].shape
        if instance_map.shape != label_shape:
            raise ValueError(
                f'{path} has the shape {instance_map.shape}, but its label map '
                f'{results["seg_map_path"]} has {label_shape} (height, width): the '
                'two must have one size and one channel'
            )
        results['gt_instance_map'] = instance_map.astype(np.int32)
        results['seg_fields'].append('gt_instance_map')
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(instance_path={self.instance_path})'
