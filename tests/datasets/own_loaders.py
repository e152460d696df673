"""Loading transforms and data sets as people write them, for the tests of reading."""

import cv2
import mmengine.fileio as fileio
import numpy as np
from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmseg.datasets import BaseSegDataset
from mmseg.datasets.transforms import LoadAnnotations
from mmseg.registry import DATASETS, TRANSFORMS

#: Class id -> value in the label files of the project; 1 is the rare class.
IDS = np.array([7, 11, 20], np.uint8)
COLOURS = np.array([[0, 0, 0], [0, 128, 255], [90, 60, 30]], np.uint8)  # BGR


def raw_labels(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@TRANSFORMS.register_module(force=True)
class LoadRGB(LoadImageFromFile):
    """Turns the channels around."""

    def transform(self, results):
        results = super().transform(results)
        results['img'] = results['img'][..., ::-1]
        return results


@TRANSFORMS.register_module(force=True)
class LoadThreshold(LoadAnnotations):
    """0 and 255 become 0 and 1, in ``_load_seg_map``."""

    def __init__(self, threshold=127, **kwargs):
        super().__init__(**kwargs)
        self.threshold = threshold

    def _load_seg_map(self, results):
        super()._load_seg_map(results)
        labels = results['gt_seg_map']
        results['gt_seg_map'] = (labels > self.threshold).astype(np.uint8)


@TRANSFORMS.register_module(force=True)
class LoadDivided(LoadAnnotations):
    """Divides by 255, in ``transform``; gives floats."""

    def transform(self, results):
        results = super().transform(results)
        results['gt_seg_map'] = results['gt_seg_map'] / 255
        return results


@TRANSFORMS.register_module(force=True)
class LoadTable(LoadAnnotations):
    """Maps ids by a table; what is not in it is ignored."""

    def _load_seg_map(self, results):
        super()._load_seg_map(results)
        table = np.full(256, 255, np.uint8)
        table[IDS] = range(len(IDS))
        results['gt_seg_map'] = table[results['gt_seg_map']]


@TRANSFORMS.register_module(force=True)
class LoadColoursOfClasses(BaseTransform):
    """Makes ids of colours, without MMCV's loader."""

    def transform(self, results):
        colours = cv2.imread(results['seg_map_path'])
        labels = np.full(colours.shape[:2], 255, np.uint8)
        for class_id, colour in enumerate(COLOURS):
            labels[(colours == colour).all(axis=-1)] = class_id
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')
        return results


@TRANSFORMS.register_module(force=True)
class LoadSwapped(LoadAnnotations):
    """Swaps the classes 0 and 1."""

    def _load_seg_map(self, results):
        super()._load_seg_map(results)
        results['gt_seg_map'] = np.array([1, 0, *range(2, 256)], np.uint8)[
            results['gt_seg_map']
        ]


@TRANSFORMS.register_module(force=True)
class LoadTwoFiles(BaseTransform):
    """One file of the object, one of the pixels to be ignored."""

    def transform(self, results):
        path = results['seg_map_path']
        content = fileio.get(path)
        labels = cv2.imdecode(np.frombuffer(content, np.uint8), 0) // 255
        labels[raw_labels(path.replace('/ann/', '/void/')) > 0] = 255
        results['gt_seg_map'] = labels
        results['seg_fields'].append('gt_seg_map')
        return results


@TRANSFORMS.register_module(force=True)
class RemapLabels(BaseTransform):
    """0 and 255 become 0 and 1, behind the loader."""

    def transform(self, results):
        results['gt_seg_map'] = (results['gt_seg_map'] > 127).astype(np.uint8)
        return results


@TRANSFORMS.register_module(force=True)
class ReloadLabels(LoadThreshold):
    """Reads the file once more, wherever it stands."""

    def transform(self, results):
        results['seg_fields'] = []
        return super().transform(results)


@TRANSFORMS.register_module(force=True)
class LoadAtRandom(LoadAnnotations):
    """Reads a flipped map now and then, but not the photo."""

    def _load_seg_map(self, results):
        super()._load_seg_map(results)
        results['gt_seg_map'] = (results['gt_seg_map'] > 127).astype(np.uint8)
        if np.random.rand() < 0.5:  # noqa: NPY002
            results['gt_seg_map'] = results['gt_seg_map'][:, ::-1]


@TRANSFORMS.register_module(force=True)
class OwnFlip(BaseTransform):
    """An augmentation of the user's own, which is no part of loading."""

    def transform(self, results):
        if np.random.rand() < 0.5:  # noqa: NPY002
            results['img'] = results['img'][:, ::-1].copy()
            results['gt_seg_map'] = results['gt_seg_map'][:, ::-1].copy()
        return results


@TRANSFORMS.register_module(force=True)
class NeedsDepth(BaseTransform):
    """Wants a key that a loader of the user's own gives."""

    def transform(self, results):
        results['img'] = results['img'] + results['depth']
        return results


@TRANSFORMS.register_module(force=True)
class LoadDepth(BaseTransform):
    """Reads another file of the sample."""

    def transform(self, results):
        path = results['img_path'].replace('/img/', '/depth/')
        results['depth'] = cv2.imread(path, cv2.IMREAD_UNCHANGED)[..., None]
        return results


@DATASETS.register_module(force=True)
class RemapsInGetItem(BaseSegDataset):
    """Changes labels when they are packed."""

    def __getitem__(self, idx):
        sample = super().__getitem__(idx)
        labels = sample['data_samples'].gt_sem_seg
        labels.data = (labels.data > 127).long()
        return sample


@DATASETS.register_module(force=True)
class ReadsOtherFiles(BaseSegDataset):
    """Takes other label files than its infos name."""

    def prepare_data(self, idx):
        info = self.get_data_info(idx)
        info['seg_map_path'] = info['seg_map_path'].replace('/ann/', '/void/')
        return self.pipeline(info)


@DATASETS.register_module(force=True)
class HarmlessDataset(BaseSegDataset):
    """Adds to samples what has nothing to do with labels."""

    def __getitem__(self, idx):
        sample = super().__getitem__(idx)
        sample['data_samples'].set_metainfo(dict(number=idx))
        return sample


@DATASETS.register_module(force=True)
class StrictDataset(BaseSegDataset):
    """Takes no options that it does not know."""

    def __init__(self, data_root, pipeline):
        super().__init__(
            data_root=data_root,
            data_prefix=dict(img_path='img', seg_map_path='ann'),
            img_suffix='.png',
            metainfo=dict(classes=('ground', 'defect'), palette=[[0] * 3, [9] * 3]),
            pipeline=pipeline,
            lazy_init=True,
        )


@TRANSFORMS.register_module(force=True)
class LoadArrays(BaseTransform):
    """Reads photo and label map from .npy files; the photo has 16 bits in them."""

    def transform(self, results):
        photo = np.load(results['img_path'])
        results['img'] = (photo >> 8).astype(np.uint8)
        results['img_shape'] = results['ori_shape'] = photo.shape[:2]
        results['gt_seg_map'] = np.load(results['seg_map_path']).astype(np.uint8)
        results['seg_fields'].append('gt_seg_map')
        return results


@TRANSFORMS.register_module(force=True)
class RemapAndFlip(OwnFlip):
    """Changes values and draws at random, in one."""

    def transform(self, results):
        results['gt_seg_map'] = (results['gt_seg_map'] > 127).astype(np.uint8)
        return super().transform(results)
