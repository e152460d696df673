"""ToyStreets: a data set of painted street scenes."""

from mmseg_ganaug.datasets.paired_folders import PairedFoldersDataset
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.toy_streets import CLASSES, PALETTE


@DATASETS.register_module()
class ToyStreetsDataset(PairedFoldersDataset):
    """Painted street scenes with 11 classes, some of them rare; ignore index 255.

    :func:`~mmseg_ganaug.toy_streets.make_toy_streets` makes the files. Cars, persons,
    riders, poles and traffic signs have ids in the instance maps (``inst_map_path`` of
    ``data_prefix``).

    Args:
        img_suffix (str): Defaults to '.png'.
        seg_map_suffix (str): Defaults to '.png'.
        **kwargs: See :class:`mmseg.datasets.BaseSegDataset`.
    """

    METAINFO = dict(classes=CLASSES, palette=PALETTE)

    def __init__(
        self, img_suffix: str = '.png', seg_map_suffix: str = '.png', **kwargs
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)

    def _how_to_get(self) -> str:
        return (
            'Make the data set: ganaug toy-streets '
            f'{self.data_root or "data/toy_streets"}'
        )
