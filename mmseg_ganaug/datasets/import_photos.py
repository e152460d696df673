"""Takes photos that were painted elsewhere into the store of a config.

Each is ID.png or ID.jpg, of the label maps that export_plan wrote: RGB, 8 bits, of the
size of its label map. What lacks or cannot be used is named. Composite, filters and
ratio are those of the config. Run again, it goes on where it was.
"""

import argparse
from typing import Any, Dict, NamedTuple, Optional, Sequence

from mmengine.config import DictAction

from mmseg_ganaug.datasets.export_plan import generated_dataset
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


def parse_args(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file that trains on generated samples')
    parser.add_argument('folder', help='folder of the photos')
    parser.add_argument(
        '--min-share',
        type=float,
        default=0.9,
        help='share of the photos that has to be there (default: %(default)s)',
    )
    parser.add_argument(
        '--dataset',
        type=int,
        help='which, from 0 on, where the config has several generated data sets',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config: key=value',
    )
    return parser.parse_args(argv)


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


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Imports the photos, and says how to train on them."""
    args = parse_args(argv)
    config = generated_dataset(args.config, args.cfg_options, args.dataset)
    imported = import_photos(config, args.folder, args.min_share)
    settings = ''.join(f'    {k}={v!r},\n' for k, v in imported.settings.items())
    print(
        f'{imported.samples} samples in {imported.store.folder}\nTo train on them, set '
        f'in the GANRecomposeDataset of {args.config}:\n{settings}'
    )
