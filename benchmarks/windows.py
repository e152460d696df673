"""Cost of painting only what changes, as a share of painting the whole photo.

    python benchmarks/windows.py --size 2048 1024

paints recombined maps whole, and in windows around what has changed: one object, three
objects far apart, all of the photo. Both take turns in one process, and a share is the
median over the rounds. Painting and compositing are timed together. Differences
are those of the pixels that have changed, in grey levels of 255, before the light is
matched. They say something of a trained generator alone, on samples of a config:

    python benchmarks/windows.py --samples CONFIG --config GENERATOR --checkpoint FILE
"""

import argparse
import ctypes
import statistics
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
from synthesis import Way, measure_peak

from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.recompose import RecomposedMap
from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis import Compositing, MMagicGenerator
from mmseg_ganaug.synthesis.windows import Painted, Windows, paint_windows

GENERATORS = {
    'tiny': dict(
        type='Pix2PixHDLocalEnhancer',
        base_channels=16,
        num_downsamples=2,
        num_blocks=4,
        num_local_blocks=2,
    ),
    'global': dict(type='Pix2PixHDGlobalGenerator'),
    'enhancer': dict(type='Pix2PixHDLocalEnhancer'),
}
# Of a cell of the maps, and of an object: shares of height and width.
_CELL = 64
_OBJECT = 0.2, 0.12


def make_generator(args: argparse.Namespace, folder: str) -> MMagicGenerator:
    """Loads the trained generator, or makes one of random weights."""
    options = dict(device=args.device, precision=args.precision)
    if args.config:
        return MMagicGenerator(args.config, args.checkpoint, **options)
    torch.manual_seed(0)
    model = dict(
        type='Pix2PixHD',
        label_encoder=dict(num_classes=19),
        generator=dict(GENERATORS[args.generator], norm='pixel'),
    )
    built = MODELS.build(model)
    built.init_weights()
    path = Path(folder) / 'weights.pth'
    torch.save(built.state_dict(), path)
    return MMagicGenerator(Config(dict(model=model)), str(path), **options)


def make_samples(config: str, number: int) -> List[RecomposedMap]:
    """Makes the first recombinations of the generated samples of a config."""
    init_default_scope('mmseg')
    found = find_generated(read_config(config).train_dataloader.dataset)
    dataset = DATASETS.build(dict(found[0], lazy_init=True))
    plan, recomposer = dataset.plan()
    source = dataset.label_source()
    return [
        recomposer.recompose(recipe, source, with_photo=True, match_tone=True)
        for recipe in list(plan)[:number]
    ]


def make_scenes(size: Tuple[int, int], num_classes: int) -> Dict[str, RecomposedMap]:
    """Makes recombinations of cells, by what of them has changed."""
    rng = np.random.default_rng(0)
    width, height = size
    cells = rng.integers(num_classes, size=(-(-height // _CELL), -(-width // _CELL)))
    base = cells.astype(np.uint8).repeat(_CELL, 0).repeat(_CELL, 1)[:height, :width]
    photo = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    high, wide = (int(s * side) for s, side in zip(_OBJECT, (height, width)))
    scenes = {}
    for name, places in (
        ('one object', [(0.4, 0.45)]),
        ('three objects', [(0.1, 0.05), (0.45, 0.45), (0.75, 0.85)]),
        ('the whole photo', None),
    ):
        labels = base.copy()
        for top, left in places or ():
            y, x = int(top * height), int(left * width)
            part = labels[y : y + high, x : x + wide]
            part[:] = (part + 1) % num_classes
        if places is None:
            labels = (labels + 1) % np.uint8(num_classes)
        scenes[name] = RecomposedMap(
            labels,
            np.zeros(labels.shape, np.int32),
            base,
            (0,),
            photo=photo,
            shown=np.ones(labels.shape, bool),
        )
    return scenes


def paint(
    generator: MMagicGenerator, maps: Sequence[RecomposedMap], way: Compositing
) -> List[Painted]:
    """Paints and composites a batch; returns what was painted."""
    painted = paint_windows(
        generator,
        [made.label_map for made in maps],
        [made.instance_map for made in maps],
        255,
        [way.generated(made) for made in maps],
        way.windows,
    )
    for made, one in zip(maps, painted):
        way.join(made, one, 255)
    return painted


def plan_of(
    generator: MMagicGenerator, maps: Sequence[RecomposedMap], windows: Windows
) -> Tuple[int, float]:
    """Returns the number of windows, and what of the area of the maps is painted."""
    number = area = 0
    for made in maps:
        plan = windows.plan(made.changed, generator.stride)
        if plan is None:
            area += made.changed.size
        else:
            number += len(plan)
            area += sum(window.height * window.width for window in plan)
    return number, area / sum(made.changed.size for made in maps)


def compare(
    generator: MMagicGenerator,
    maps: Sequence[RecomposedMap],
    windows: Windows,
    rounds: int,
) -> str:
    """Compares both ways on a batch; returns a line of the table."""
    runs = [
        partial(paint, generator, maps, Compositing('changed', windows=way))
        for way in (None, windows)
    ]
    photos, peaks, seconds = [], [], []
    for run in runs:
        photos.append(run())  # warms up
        peaks.append(peak_of(generator, run))
    for _ in range(rounds):
        times = []
        for run in runs:
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) / len(maps))
        seconds.append(times)
    whole = statistics.median(one for one, _ in seconds)
    share = statistics.median(part / one for one, part in seconds)
    number, area = plan_of(generator, maps, windows)
    differences = [
        abs(one.photo.astype(int) - part.photo)[made.changed]
        for one, part, made in zip(*photos, maps)
        if not part.seen.all()
    ]
    difference = np.concatenate(differences or [np.zeros((1, 3))])
    return (
        f'{number:7d} {area:6.3f} {whole:8.3f} {share:6.3f} {peaks[0] / 1e9:8.2f} '
        f'{peaks[1] / peaks[0]:6.3f} {difference.mean():6.3f} '
        f'{int(difference.max()):4d}'
    )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--generator', choices=list(GENERATORS), default='tiny')
    parser.add_argument('--config', help='of a trained generator')
    parser.add_argument('--checkpoint', help='of a trained generator')
    parser.add_argument('--samples', help='config that trains on generated samples')
    parser.add_argument('--precision', default='auto')
    parser.add_argument('--size', type=int, nargs=2, default=(512, 256))
    parser.add_argument('--batch', type=int, default=1)
    parser.add_argument('--margin', type=int, help='of the windows, in pixels')
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generator = make_generator(args, folder)
        generator.load()
    if args.samples:
        scenes = {'samples': make_samples(args.samples, args.batch)}
    else:
        made = make_scenes(args.size, generator.num_classes)
        scenes = {name: [one] * args.batch for name, one in made.items()}
    height, width = next(iter(scenes.values()))[0].label_map.shape
    print(
        f'{width} x {height}, batch {args.batch}, {args.device}, torch '
        f'{torch.__version__}, {torch.get_num_threads()} threads, {args.rounds} rounds'
    )
    print(
        f'{"changed":16s} {"windows":>7s} {"area":>6s} {"whole s":>8s} '
        f'{"share":>6s} {"peak GB":>8s} {"share":>6s} {"mean":>6s} {"max":>4s}'
    )
    for name, maps in scenes.items():
        line = compare(generator, maps, Windows(margin=args.margin), args.rounds)
        print(f'{name:16s} {line}')


def peak_of(generator: MMagicGenerator, work: Callable[[], object]) -> float:
    """Measures the peak bytes of the weights and one batch."""
    with suppress(OSError):
        # Memory that the C library keeps would hide what the batch takes.
        ctypes.CDLL('libc.so.6').malloc_trim(0)
    peak = measure_peak(Way('', generator.model, 1), work)
    return float('nan') if peak is None else peak


if __name__ == '__main__':
    main()
