"""Loading of instance maps, and of generated samples."""

from typing import Optional, Tuple

import mmcv
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform

from mmseg_ganaug.class_option_checks import check_ignore_index, check_num_classes
from mmseg_ganaug.datasets.label_files import check_instance_path, find_instance_path
from mmseg_ganaug.datasets.photo_form import DTYPES, PhotoForm
from mmseg_ganaug.option_checks import check_choice, check_whole
from mmseg_ganaug.registry import TRANSFORMS
from mmseg_ganaug.synthesis.sample_files import (
    DamagedSampleError,
    read_sample_label_map,
    read_sample_photo,
)


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
        self.instance_path = check_instance_path(self, instance_path)
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


@TRANSFORMS.register_module()
class LoadGeneratedSample(BaseTransform):
    """Loads photo and label map of a generated sample.

    ``GANRecomposeDataset`` puts it in the place of its source's loading transforms: the
    label files of generated samples hold final class ids.

    Required keys: ``img_path``, ``seg_map_path``. Added keys: ``img``, ``gt_seg_map``
    (uint8 [H, W]), ``img_shape``, ``ori_shape`` and ``seg_fields``.

    Args:
        num_classes (int): Number of classes, C.
        ignore_index (int): Label value of pixels of no class. Defaults to 255.
        dtype (str): Type of ``img``, as real photos are loaded. Defaults to 'uint8'.
        bands (int): Those of ``img``, [H, W, bands]; 0 for [H, W]. Defaults to 3: BGR.
    """

    def __init__(
        self,
        num_classes: int,
        ignore_index: int = 255,
        dtype: str = 'uint8',
        bands: int = 3,
    ) -> None:
        self.num_classes = check_num_classes(self, 'num_classes', num_classes)
        self.ignore_index = check_ignore_index(self, 'ignore_index', ignore_index)
        self.form = PhotoForm(
            check_choice(self, 'dtype', dtype, DTYPES),
            check_whole(self, 'bands', bands),
        )

    def transform(self, results: dict) -> dict:
        """Loads a sample.

        Raises:
            DamagedSampleError: When a file is missing or damaged, or a label value is
                no class; names it, and says how to have it made again.
        """
        label_map = read_sample_label_map(results['seg_map_path'])
        photo = read_sample_photo(results['img_path'], label_map.shape[0])
        wrong = (label_map >= self.num_classes) & (label_map != self.ignore_index)
        shape = (*label_map.shape, max(self.form.bands, 1))
        if wrong.any() or photo.shape != shape:
            raise DamagedSampleError(
                f'{results["seg_map_path"]} is not the label map that was written '
                '(other label values, or another size than its photo): '
                'ganaug synthesize CONFIG --verify makes it again'
            )
        return self.results(results, photo, label_map)

    def results(self, info: dict, photo: np.ndarray, label_map: np.ndarray) -> dict:
        """Makes of a data info what MMSeg's loading transforms make of one.

        Args:
            info (dict): Data info of the sample; changed in place.
            photo (np.ndarray): uint8 or uint16 [H, W, bands].
            label_map (np.ndarray): uint8 [H, W].

        Returns:
            dict: The same.
        """
        info.update(
            img=self.form.restored(photo),
            img_shape=photo.shape[:2],
            ori_shape=photo.shape[:2],
            gt_seg_map=label_map,
            seg_fields=['gt_seg_map'],
            # The values are final: none of them is to be reduced or replaced.
            reduce_zero_label=False,
            label_map=None,
        )
        return info

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(num_classes={self.num_classes}, '
            f'ignore_index={self.ignore_index}, dtype={self.form.dtype!r}, '
            f'bands={self.form.bands})'
        )
