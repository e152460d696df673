"""What people add to MMSegmentation in projects of their own; configs import it."""

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import BaseDataset
from mmengine.fileio import LocalBackend, register_backend
from mmengine.registry import Registry
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATASETS, MODELS, TRANSFORMS
from torch.nn import Conv2d, Module

#: Class id -> value in the label files, and colour (BGR); 1 is the rare class.
IDS = np.array([7, 11, 20], np.uint8)
COLOURS = np.array([[0, 0, 0], [0, 0, 200], [200, 0, 0]], np.uint8)
CLASSES = ('ground', 'defect', 'water')

#: A scope of the project's own, as packages built on MMSeg have one.
OWN = {
    parent.name: Registry(
        parent.name, parent=parent, scope='own', locations=['own_code']
    )
    for parent in (DATASETS, MODELS, TRANSFORMS)
}


@MODELS.register_module(force=True)
class OnePixelBackbone(Module):
    """The smallest backbone."""

    def __init__(self, in_channels=3):
        super().__init__()
        self.conv = Conv2d(in_channels, 4, 3, stride=2, padding=1)

    def forward(self, photos):
        return (self.conv(photos),)


@TRANSFORMS.register_module(force=True)
class LoadAbove(LoadAnnotations):
    """Pixels above a threshold are the object."""

    def __init__(self, threshold=127, **kwargs):
        super().__init__(**kwargs)
        self.threshold = threshold

    def transform(self, results):
        results = super().transform(results)
        labels = results['gt_seg_map']
        results['gt_seg_map'] = (labels > self.threshold).astype(np.uint8)
        return results


@TRANSFORMS.register_module(force=True)
class LoadIds(BaseTransform):
    """Maps ids by a table; no subclass of MMSeg's loader."""

    def transform(self, results):
        table = np.full(256, 255, np.uint8)
        table[IDS] = range(3)
        results['gt_seg_map'] = table[cv2.imread(results['seg_map_path'], 0)]
        results['seg_fields'].append('gt_seg_map')
        return results


@TRANSFORMS.register_module(force=True)
class LoadColourMasks(BaseTransform):
    """Makes class ids of colours."""

    def transform(self, results):
        colours = cv2.imread(results['seg_map_path'])
        labels = np.full(colours.shape[:2], 255, np.uint8)
        for class_id, colour in enumerate(COLOURS):
            labels[(colours == colour).all(axis=-1)] = class_id
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')
        return results


@TRANSFORMS.register_module(force=True)
class Binarise(BaseTransform):
    """0 and 255 become 0 and 1, wherever it stands."""

    def transform(self, results):
        results['gt_seg_map'] = (results['gt_seg_map'] > 127).astype(np.uint8)
        return results


@TRANSFORMS.register_module(force=True)
class LoadDeepArrays(BaseTransform):
    """Reads photo and label map from .npy files."""

    def __init__(self, dtype=None):
        self.dtype = dtype

    def transform(self, results):
        photo = np.load(results['img_path'])
        results['img'] = photo if self.dtype is None else photo.astype(self.dtype)
        results['img_shape'] = results['ori_shape'] = photo.shape[:2]
        results['gt_seg_map'] = np.load(results['seg_map_path'])
        results['seg_fields'] = ['gt_seg_map']
        return results


@DATASETS.register_module(force=True)
class UDADataset(torch.utils.data.Dataset):
    """Labelled samples of one domain beside photos of another."""

    def __init__(self, source, target, rare_class_sampling=None):
        self.source, self.target = DATASETS.build(source), DATASETS.build(target)

    @property
    def metainfo(self):
        return self.source.metainfo

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        assert 'inputs' in self.target[index % len(self.target)]
        return self.source[index]


@DATASETS.register_module(force=True)
class SemiDataset(torch.utils.data.ConcatDataset):
    """Takes data sets by name."""

    def __init__(self, datasets, ratios=None):
        super().__init__([DATASETS.build(part) for part in datasets.values()])
        self.metainfo = self.datasets[0].metainfo


@DATASETS.register_module(force=True)
class PairsOfMine(BaseDataset):
    """Photo and label map, but not by way of MMSeg's class."""

    METAINFO = dict(classes=CLASSES)

    def load_data_list(self):
        return [dict(img_path='a.png', seg_map_path='b.png', seg_fields=[])]


@DATASETS.register_module(force=True)
class ShiftsLabels(BaseSegDataset):
    """Changes labels where no pipeline sees it."""

    def prepare_data(self, idx):
        sample = super().prepare_data(idx)
        labels = sample['data_samples'].gt_sem_seg
        labels.data = (labels.data > 127).long()
        return sample


@OWN['dataset'].register_module(force=True)
class OwnSegDataset(BaseSegDataset):
    """A data set in the scope of the project."""

    METAINFO = dict(classes=CLASSES, palette=[[9 * i] * 3 for i in range(3)])


@OWN['transform'].register_module(force=True)
class ProjectFlip(BaseTransform):
    """An augmentation in the scope of the project."""

    def transform(self, results):
        if np.random.rand() < 0.5:  # noqa: NPY002
            for name in ('img', 'gt_seg_map'):
                results[name] = results[name][:, ::-1].copy()
        return results


class ProjectVault(LocalBackend):
    """A store of the project's own, whose paths the local disk does not know."""

    def __init__(self, root):
        self.root = root

    def get(self, filepath):
        return super().get(f'{self.root}/{str(filepath).split("vault://")[1]}')


register_backend('vault', ProjectVault, force=True)
