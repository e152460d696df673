"""Times of recombination, as ratios to decoding one label map.

One core, label maps in memory, on the Cityscapes and BDD100K label maps of ``--data``:

    python benchmarks/recompose.py --data DIR

compares the three recomposers with plain NumPy, with a ClassMix-style mix, and with
albumentations and kornia where these are installed (they are no requirements of the
package: ``pip install --target LIBS --no-deps albumentations albucore kornia ...`` and
``PYTHONPATH=LIBS``). ``--plan`` times plans of 100,000 samples over 1,000,000 maps;
``--balance`` compares how near planned and random draws come to a target.
"""

import argparse
import resource
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

import cv2
import numpy as np

from mmseg_ganaug.recompose import (
    AddMulti,
    AddSingle,
    BalanceReport,
    LabelStatistics,
    MemoryLabelSource,
    Recon,
    replay,
)

NAMES = [
    'road',
    'sidewalk',
    'building',
    'wall',
    'fence',
    'pole',
    'light',
    'sign',
    'vegetation',
    'terrain',
    'sky',
    'person',
    'rider',
    'car',
    'truck',
    'bus',
    'train',
    'motorcycle',
    'bicycle',
]
THINGS = NAMES[11:]
# Train ids of the Cityscapes label ids (cityscapesScripts, labels.py).
LABEL_IDS = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


class FileSource:
    """Label files, decoded whenever a map is asked for."""

    num_classes, ignore_index, class_names = 19, 255, NAMES

    def __init__(self, files: Sequence[Path], table: Optional[np.ndarray]) -> None:
        self._files = [str(file) for file in files]
        self._table = table

    def __len__(self) -> int:
        return len(self._files)

    def decode(self, index: int) -> np.ndarray:
        """Decodes the file: uint8 [H, W]."""
        return cv2.imread(self._files[index], cv2.IMREAD_UNCHANGED)

    def label_map(self, index: int) -> np.ndarray:
        """Decodes a label map."""
        label_map = self.decode(index)
        return label_map if self._table is None else cv2.LUT(label_map, self._table)

    def instance_map(self, index: int) -> None:
        """Returns None: there is no instance map."""

    def name(self, index: int) -> str:
        """Returns the path of the file."""
        return self._files[index]


def sources(data: Path, num_maps: int) -> Dict[str, FileSource]:
    """Lists the label maps in the data folder, by data set."""
    table = np.full(256, 255, np.uint8)
    table[list(LABEL_IDS)] = np.arange(len(LABEL_IDS))
    found = {
        'Cityscapes 1024x2048': FileSource(
            sorted(data.glob('cityscapes_samples/t*_label/*.png')), table
        ),
        'BDD100K 720x1280': FileSource(
            sorted(data.glob('bdd100k_labels/annotations/*.png'))[:num_maps], None
        ),
    }
    return {name: source for name, source in found.items() if len(source)}


def milliseconds(work: Callable[[], object], repeats: int = 7) -> float:
    """Returns the shortest of several times, the least disturbed, in ms."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def median(works: Sequence[Callable[[], object]]) -> float:
    """Measures the median time over different inputs, in ms."""
    return float(np.median([milliseconds(work) for work in works]))


def plain_numpy(recipe, maps: Sequence[np.ndarray]) -> np.ndarray:
    """Recombines by masks, and a distance transform for the holes."""
    if recipe.base is not None:
        result = maps[recipe.base].copy()
    else:
        result = np.full_like(maps[recipe.donors[0]], 255)
    for class_id, donor in zip(recipe.classes, recipe.donors):
        result[maps[donor] == class_id] = class_id
    if recipe.base is None:
        from scipy.ndimage import distance_transform_edt

        indices = distance_transform_edt(
            result == 255, return_distances=False, return_indices=True
        )
        result = result[tuple(indices)]
    return result


def class_mix(rng: np.random.Generator, base: np.ndarray, donor: np.ndarray):
    """Pastes half of the donor's classes (ClassMix, Olsson et al., WACV 2021)."""
    classes = np.unique(donor)
    chosen = rng.choice(classes, (len(classes) + 1) // 2, replace=False)
    return np.where(np.isin(donor, chosen), donor, base)


def with_albumentations(maps: Sequence[np.ndarray], recipes) -> Optional[List]:
    """Lays one class of the donor over the base by OverlayElements."""
    try:
        import albumentations

        transform = albumentations.Compose(
            [albumentations.OverlayElements(metadata_key='overlay', p=1)]
        )
    except (ImportError, AttributeError):
        return None

    def run(recipe):
        donor, class_id = maps[recipe.donors[0]], recipe.classes[0]
        overlay = dict(
            image=donor,
            mask=(donor == class_id).astype(np.uint8),
            bbox=(0, 0, 1, 1),
        )
        return transform(image=maps[recipe.base], overlay=overlay)

    return [lambda recipe=recipe: run(recipe) for recipe in recipes]


def with_kornia(maps: Sequence[np.ndarray], recipes) -> Optional[List]:
    """Transplants one class of the donor to the base by RandomTransplantation."""
    try:
        import torch
        from kornia.augmentation import RandomTransplantation
    except ImportError:
        return None
    torch.set_num_threads(1)
    transform = RandomTransplantation(p=1.0, excluded_labels=[255], data_keys=['mask'])
    pairs = [
        torch.from_numpy(np.stack([maps[r.base], maps[r.donors[0]]])) for r in recipes
    ]
    # A batch of two gives two maps.
    return [lambda pair=pair: transform(pair) for pair in pairs]


def bench_recomposers(source: FileSource, num_recipes: int) -> None:
    """Prints the times of the recomposers and of other libraries."""
    maps = [source.label_map(index) for index in range(len(source))]
    memory = MemoryLabelSource(maps, 19, class_names=NAMES)
    statistics = LabelStatistics.collect(memory)
    decode = median([lambda index=index: source.decode(index) for index in range(10)])
    print(f'  {"decoding one map":44s} {decode:7.2f} ms')

    def show(name: str, value: float, other: Optional[float] = None) -> None:
        against = '' if other is None else f'   {value / other:5.1f} x ours'
        print(f'  {name:44s} {value:7.2f} ms {value / decode:6.2f} x decoding{against}')

    ours = {}
    recomposers = {
        'AddSingle': AddSingle(),
        'AddMulti (3 classes)': AddMulti(num_classes=3),
        'Recon (6 donors, all their classes)': Recon(things=THINGS, min_area=0.0),
    }
    for name, recomposer in recomposers.items():
        plan = recomposer.plan(statistics, num_recipes, 0)
        if name.startswith('Recon'):
            # Those that have most to do.
            plan = sorted(plan, key=lambda r: -len(r.classes))[: num_recipes // 2]
            fewest, most = len(plan[-1].classes), len(plan[0].classes)
            name += f', {fewest}-{most} classes'
        works = [lambda r=recipe: replay(r, memory) for recipe in plan]
        value = median(works)
        show(name, value)
        ours[type(recomposer).__name__] = value
        works = [lambda r=recipe: plain_numpy(r, maps) for recipe in plan[:10]]
        show('    plain NumPy', median(works), value)
    single = AddSingle().plan(statistics, num_recipes, 0)
    rng = np.random.default_rng(0)
    works = [
        lambda r=r: class_mix(rng, maps[r.base], maps[r.donors[0]]) for r in single
    ]
    show('ClassMix-style mix, against AddMulti', median(works), ours['AddMulti'])
    for name, works, outputs in (
        ('albumentations OverlayElements', with_albumentations(maps, single), 1),
        ('kornia RandomTransplantation', with_kornia(maps, single), 2),
    ):
        if works is None:
            print(f'  {name:44s} not installed')
        else:
            show(
                f'{name}, against AddSingle',
                median(works) / outputs,
                ours['AddSingle'],
            )


def bench_statistics(source: FileSource) -> None:
    """Prints the times of statistics of a folder, against only reading it."""
    every = range(len(source))
    read = milliseconds(lambda: [source.label_map(index) for index in every], 3)
    print(f'  {"reading every map":44s} {read / len(source):7.2f} ms a map')
    for name, work in (
        ('statistics', lambda: LabelStatistics.collect(source)),
        (
            'statistics, two processes',
            lambda: LabelStatistics.collect(source, num_workers=2),
        ),
        (
            '    plain NumPy (np.bincount)',
            lambda: [
                np.bincount(source.label_map(index).ravel(), minlength=256)
                for index in every
            ],
        ),
    ):
        value = milliseconds(work, 3)
        print(
            f'  {name:44s} {value / len(source):7.2f} ms {value / read:6.2f} x reading'
        )


def bench_plans(statistics: LabelStatistics, num_maps: int, num_samples: int) -> None:
    """Prints the times of large plans; statistics are drawn from real ones."""
    rows = np.random.default_rng(0).integers(statistics.num_maps, size=num_maps)
    large = LabelStatistics(
        pixels=statistics.pixels[rows],
        ignored=statistics.ignored[rows],
        sizes=statistics.sizes[rows],
        positions=statistics.positions,
        ignored_positions=statistics.ignored_positions,
        class_names=statistics.class_names,
        ignore_index=statistics.ignore_index,
    )
    for kind in (AddSingle, AddMulti, Recon):
        for target in (None, 'uniform'):
            start = time.perf_counter()
            kind(target=target).plan(large, num_samples, 0)
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
            print(
                f'  {kind.__name__:10s} target {target!s:8s} {seconds:6.1f} s, '
                f'at most {peak:.1f} GiB so far'
            )


def bench_balance(source: FileSource, num_samples: int) -> None:
    """Prints how far planned and random draws end from a target, as counted."""
    statistics = LabelStatistics.collect(source)
    for target in ('uniform', 'sqrt'):
        for kind in (AddSingle, AddMulti, Recon):
            divergences = []
            for chosen, even_bases in ((None, True), (target, True), (target, False)):
                recomposer = kind(target=chosen, even_bases=even_bases)
                plan = recomposer.plan(statistics, num_samples, 0)
                made = np.stack(
                    [
                        np.bincount(
                            replay(recipe, source).label_map.ravel(), minlength=256
                        )[: source.num_classes]
                        for recipe in plan
                    ]
                )
                report = BalanceReport.of_plan(statistics, plan, made, target)
                divergences.append(report.after.divergence)
            before = report.before.divergence
            print(
                f'  {kind.__name__:10s} {num_samples} samples, KL(target {target:7s} '
                f'|| shares): {before:.3f} before, {divergences[0]:.3f} at random, '
                f'{divergences[1]:.3f} planned, {divergences[2]:.3f} bases chosen, too'
            )


def main() -> None:
    """Runs the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--data', type=Path, required=True, help='folder of the data')
    parser.add_argument('--recipes', type=int, default=40, help='recipes timed')
    parser.add_argument('--maps', type=int, default=200, help='BDD100K maps used')
    parser.add_argument('--plan', action='store_true', help='time large plans only')
    parser.add_argument(
        '--balance', type=int, metavar='N', help='compare plans of N samples only'
    )
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    found = sources(arguments.data, arguments.maps)
    if not found:
        parser.error(f'{arguments.data} holds no label maps of Cityscapes or BDD100K')
    for name, source in found.items():
        print(f'{name}, {len(source)} maps')
        if arguments.plan:
            bench_plans(LabelStatistics.collect(source), 1_000_000, 100_000)
        elif arguments.balance:
            bench_balance(source, arguments.balance)
        else:
            bench_recomposers(source, arguments.recipes)
            bench_statistics(source)


if __name__ == '__main__':
    main()
