"""Draws the gallery of the documents on ToyStreets, in half a minute on one core.

    python tools/misc/draw_gallery.py build/site_source/docs

writes gallery.md, and its pictures to gallery/. ToyStreets is made for it, and no
weights are needed: the painter of the composites gives each class one colour.
--generator CONFIG CHECKPOINT adds what a trained generator of ToyStreets paints.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import cv2
import numpy as np
from mmengine.registry import init_default_scope

import mmseg_ganaug  # noqa: F401  (makes the bare names of its classes known)
from mmseg_ganaug.datasets.toy_streets import ToyStreetsDataset
from mmseg_ganaug.files import write_atomically
from mmseg_ganaug.registry import DATASETS
from mmseg_ganaug.synthesis.windows import Windows
from mmseg_ganaug.toy_streets import make_toy_streets
from mmseg_ganaug.visualization import GalleryRow, recomposition_gallery

META: Any = ToyStreetsDataset.METAINFO
SIZE = (160, 320)
PHOTOS = 24
STRIDE = 8  # of enhancer-tiny
FLAT = dict(
    type='CallableGenerator',
    function='draw_gallery:paint_flat',
    num_classes=len(META['classes']),
    ignore_index=255,
)
OBJECTS = dict(type='AddMulti', classes='rare', objects=dict())


class Shown(NamedTuple):
    """A sample: its base's photo and label map (None for Recon), and its own."""

    base: Optional[np.ndarray]
    base_map: Optional[np.ndarray]
    label_map: np.ndarray
    photo: np.ndarray


def paint_flat(labels: np.ndarray) -> np.ndarray:
    """Paints each class in its colour of the palette: uint8 RGB [B, H, W, 3]."""
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(META['palette'])] = META['palette']
    return colours[labels]


class Samples:
    """Makes samples of ToyStreets in a folder.

    Args:
        folder (str): The folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        make_toy_streets(f'{folder}/toy', PHOTOS, 1, seed=3, size=SIZE, progress=False)

    def make(self, recomposer: dict, count: int = 12, **options: Any) -> List[Shown]:
        """Recombines and paints, in order of the maps that are the bases."""
        dataset = DATASETS.build(
            dict(
                type='GANRecomposeDataset',
                source=dict(
                    type='ToyStreetsDataset',
                    data_root=f'{self.folder}/toy',
                    data_prefix=dict(
                        img_path='images/train',
                        seg_map_path='annotations/train',
                        inst_map_path='instances/train',
                    ),
                ),
                recomposer=recomposer,
                cache_dir=f'{self.folder}/cache',
                num_samples=count,
                scale=SIZE[::-1],
                **{'generator': None, **options},
            )
        )
        plan, _ = dataset.plan()
        source = dataset.label_source()
        found = []
        for index, recipe in enumerate(plan):
            info = dataset.get_data_info(index)
            base = recipe.base
            found.append(
                Shown(
                    None if base is None else source.photo(base),
                    None if base is None else source.label_map(base),
                    cv2.imread(info['seg_map_path'], cv2.IMREAD_UNCHANGED),
                    cv2.imread(info['img_path']),
                )
            )
        return found


def draw(rows: Sequence[Dict[str, np.ndarray]], path: Path) -> None:
    """Draws rows of photos (BGR) and label maps, with the colours of the classes."""
    shown = [GalleryRow(row) for row in rows]
    recomposition_gallery(shown, META['palette'], 255, META['classes'], path)


def most_changed(samples: Sequence[Shown]) -> int:
    """Finds the sample of which most changed, up to a quarter of the photo."""
    shares = [np.mean(s.base_map != s.label_map) for s in samples]
    return int(np.argmax([share if share < 0.25 else 0 for share in shares]))


def three_ways(samples: Samples, path: Path) -> None:
    """Draws the three recomposers, the first two on one base."""
    ways = {
        title: samples.make(recomposer, PHOTOS)
        for title, recomposer in (
            ('AddSingle', dict(type='AddSingle', classes='rare')),
            ('AddMulti', dict(type='AddMulti', classes='rare')),
            ('AddMulti, objects', OBJECTS),
        )
    }
    by_base = [{s.base_map.tobytes(): s for s in made} for made in ways.values()]
    shared = set.intersection(*map(set, by_base))
    objects = [s for s in ways['AddMulti, objects'] if s.base_map.tobytes() in shared]
    base = objects[most_changed(objects)].base_map.tobytes()
    rows = []
    for title, made in zip(ways, by_base):
        same = made[base]
        rows.append(
            {
                'base': same.base,
                'its label map': same.base_map,
                f'{title}: new map': same.label_map,
                'real pixels': same.photo,
            }
        )
    # Columns have one heading each, so each way is a picture of its own.
    for row, name in zip(rows, ('add_single', 'add_multi', 'objects')):
        draw([row], path / f'{name}.png')
    recon = samples.make(dict(type='Recon'), 3)
    draw(
        [{'Recon: new map': s.label_map, 'real pixels': s.photo} for s in recon],
        path / 'recon.png',
    )


def composites(samples: Samples, path: Path) -> None:
    """Draws one sample under each composite."""
    rows: Dict[str, np.ndarray] = {}
    number = None
    for title, options in (
        ('full', dict(generator=FLAT, composite='full')),
        ('changed', dict(generator=FLAT, composite='changed')),
        (
            'auto: signs painted',
            dict(generator=FLAT, composite=dict(mode='auto', painted=['traffic sign'])),
        ),
        ('real', dict(composite='real')),
    ):
        made = samples.make(OBJECTS, **options)
        number = most_changed(made) if number is None else number
        rows.setdefault('base', made[number].base)
        rows[title] = made[number].photo
    draw([rows], path / 'composites.png')


def windows(samples: Samples, path: Path) -> None:
    """Draws which parts of a photo are painted with windows."""
    rows = []
    made = samples.make(dict(type='AddSingle', classes='rare', objects=dict()))
    for shown in sorted(made, key=lambda s: np.mean(s.base_map != s.label_map))[-3:]:
        changed = shown.base_map != shown.label_map
        planned = Windows().plan(changed, STRIDE) or []
        painted = np.zeros(changed.shape, bool)
        for window in planned:
            painted[window.slices] = True
        dark = (shown.photo * 0.3).astype(np.uint8)
        rows.append(
            {
                'new photo': shown.photo,
                'what changed': np.where(changed, shown.label_map, np.uint8(255)),
                'what is painted': np.where(painted[..., None], shown.photo, dark),
            }
        )
    draw(rows, path / 'windows.png')


def filters(samples: Samples, path: Path) -> None:
    """Draws label maps before and after a filter."""
    columns = {
        'without a filter': (),
        'road and sidewalk ignored': [
            dict(type='IgnoredClassesFilter', classes=['road', 'sidewalk'])
        ],
    }
    rows: List[Dict[str, np.ndarray]] = [{} for _ in range(2)]
    for title, given in columns.items():
        made = samples.make(OBJECTS, 2, generator=FLAT, filters=given)
        for row, shown in zip(rows, made):
            row.setdefault('painted photo', shown.photo)
            row[title] = shown.label_map
    draw(rows, path / 'filters.png')


def painters(samples: Samples, path: Path, generator: Optional[Sequence[str]]) -> None:
    """Draws one sample by several painters."""
    ways: Dict[str, dict] = {
        'real pixels': dict(composite=dict(mode='real', match_tone=False)),
        'in the light of the base': dict(composite='real'),
        'BlurredPixels': dict(generator=dict(type='BlurredPixels')),
        'one colour a class': dict(generator=FLAT, composite='changed'),
    }
    if generator:
        config, checkpoint = generator
        ways['pix2pixHD'] = dict(
            generator=dict(config=config, checkpoint=checkpoint), composite='changed'
        )
    rows: Dict[str, np.ndarray] = {}
    for title, options in ways.items():
        made = samples.make(OBJECTS, **options)
        rows[title] = made[most_changed(made)].photo
    draw([rows], path / 'painters.png')


PAGE = """\
# Gallery

Drawn on ToyStreets by `python tools/misc/draw_gallery.py OUT` when this site was
built; no photo of a research data set is shown. Ignored pixels are hatched in grey.

## Three ways to a new label map

AddSingle lays the layer of one rare class over a base.

![A base, its map, the new map and its photo of real pixels](gallery/add_single.png)

AddMulti lays layers of several over the same base.

![The same of AddMulti](gallery/add_multi.png)

With `objects=dict()` whole objects move, to places that fit.

![The same with whole objects](gallery/objects.png)

Recon has no base: it is built back to front of layers of several maps.

![New maps of Recon, and their photos of real pixels](gallery/recon.png)

[How they work](recombination.md)

## What of a photo is painted

The same sample under each `composite`. To show what is painted, the painter gives each
class one colour.

![One sample under full, changed, auto and real](gallery/composites.png)

[Composites](filters_and_mixing.md#what-of-a-photo-is-generated)

## Windows

With `windows=True`, only what is not dark is painted.

![What changed, and the windows around it](gallery/windows.png)

[Only what changes is painted](filters_and_mixing.md#only-what-changes-is-painted)

## Filters

`IgnoredClassesFilter` takes classes that are painted badly out of the labels.

![Label maps without and with the filter](gallery/filters.png)

[Filters](filters_and_mixing.md#filters)

## Painters, good and bad

One sample by several painters. The blurred one and the one of flat colours are
controls: a painter that teaches no more than they do is not worth its time.

![One sample by several painters](gallery/painters.png)

[Any generator](generators.md), [how to measure one](train_generator.md#fidelity)
"""


def main() -> None:
    """Draws all pictures, and writes the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='folder of gallery.md and gallery/')
    parser.add_argument(
        '--generator', nargs=2, metavar=('CONFIG', 'CHECKPOINT'), help='of ToyStreets'
    )
    args = parser.parse_args()
    init_default_scope('mmseg')
    pictures = args.out / 'gallery'
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        samples = Samples(folder)
        three_ways(samples, pictures)
        composites(samples, pictures)
        windows(samples, pictures)
        filters(samples, pictures)
        painters(samples, pictures, args.generator)
    write_atomically(args.out / 'gallery.md', PAGE)
    print(f'Written: {args.out / "gallery.md"}')


if __name__ == '__main__':
    main()
