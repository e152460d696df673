"""Takes photos that were painted elsewhere into the store of a config.

Each is ID.png or ID.jpg, of the label maps that export_plan wrote: RGB, 8 bits, of the
size of its label map. What lacks or cannot be used is named. Composite, filters and
ratio are those of the config. Run again, it goes on where it was.
"""

from typing import Any, Dict, NamedTuple

from mmseg_ganaug.option_checks import check_share
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.synthesis import SampleStore


class Imported(NamedTuple):
    """What came of painted photos.

    Attributes:
        settings: Options of the ``GANRecomposeDataset`` that trains on them.
        samples: How many there are.
        store: Where they are.
    """

    settings: Dict[str, Any]
    samples: int
    store: SampleStore


def import_photos(config: dict, folder: str, min_share: float = 0.9) -> Imported:
    """Makes the samples of a generated data set from photos that were painted.

    Args:
        config (dict): Of a ``GANRecomposeDataset``, with whatever generator.
        folder (str): The photos, see :class:`~mmseg_ganaug.synthesis.PaintedFolder`.
        min_share (float): Share of the photos that has to be there. Defaults to 0.9.

    Raises:
        TooFewPhotosError: When there are less; says what is wrong with which.
    """
    check_share('import_photos', 'min_share', min_share)
    planned: Any = DATASETS.build({**config, 'lazy_init': True})
    # Of the generator in the config, perhaps; the plan depends on it.
    scale = planned.label_source().scale
    generator = dict(type='PaintedFolder', folder=str(folder), min_share=min_share)
    settings: Dict[str, Any] = dict(generator=generator)
    if scale is not None:
        settings['scale'] = scale
    dataset: Any = DATASETS.build({**config, **settings, 'lazy_init': True})
    plan, store = dataset.generate()
    return Imported(settings, len(plan), store)
