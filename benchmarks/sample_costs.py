"""What a new sample costs, at three sizes: time, memory, disk.

    OMP_NUM_THREADS=1 python benchmarks/sample_costs.py

makes ToyStreets at each size and samples of AddMulti with whole objects: of real
pixels, and painted by enhancer-tiny, whose weights are random, for time and memory do
not depend on them. Each runs in a process of its own; seconds are those of the CPU, so
that other work on the machine hardly counts. Bytes are those of photo and label map.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

import mmseg_ganaug  # noqa: F401  (makes the bare names of its classes known)
from mmseg_ganaug.registry import DATASETS, MODELS
from mmseg_ganaug.toy_streets import make_toy_streets

SIZES = ((128, 256), (320, 640), (512, 1024))
SAMPLES = 16
GENERATOR = 'configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256.py'
ROOT = Path(__file__).resolve().parents[1]


def measure(way: str, height: int, width: int) -> None:
    """Prints a row of the table."""
    init_default_scope('mmseg')
    with tempfile.TemporaryDirectory() as folder:
        make_toy_streets(
            f'{folder}/toy', SAMPLES, 1, size=(height, width), progress=False
        )
        generator = None
        if way == 'enhancer-tiny':
            config = Config.fromfile(ROOT / GENERATOR)
            checkpoint = f'{folder}/random.pth'
            torch.save(MODELS.build(config.model).state_dict(), checkpoint)
            generator = dict(config=str(ROOT / GENERATOR), checkpoint=checkpoint)
        source = dict(
            type='ToyStreetsDataset',
            data_root=f'{folder}/toy',
            data_prefix=dict(
                img_path='images/train',
                seg_map_path='annotations/train',
                inst_map_path='instances/train',
            ),
        )
        spent, sizes = {}, {}
        for suffix in ('.png', '.jpg'):
            dataset = DATASETS.build(
                dict(
                    type='GANRecomposeDataset',
                    source=source,
                    recomposer=dict(type='AddMulti', classes='rare', objects=dict()),
                    generator=generator,
                    composite='real' if generator is None else 'changed',
                    num_samples=SAMPLES,
                    scale=(width, height),
                    photo_suffix=suffix,
                    cache_dir=f'{folder}/cache{suffix}',
                    lazy_init=True,
                )
            )
            dataset.plan()  # statistics are read once, whatever the number of samples
            start = time.process_time()
            _, store = dataset.generate()
            spent[suffix] = (time.process_time() - start) / SAMPLES
            sizes[suffix] = sum(
                path.stat().st_size / 1000 / SAMPLES
                for kind in ('images', 'labels')
                for path in (Path(store.folder) / kind).iterdir()
            )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f'| {width} x {height} | {way} | {spent[".png"]:.2f} | {memory:.1f} '
        f'| {sizes[".png"]:.0f} | {sizes[".jpg"]:.0f} |',
        flush=True,
    )


def main() -> None:
    """Measures each way and size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--one', nargs=3, help='WAY HEIGHT WIDTH, in this process')
    args = parser.parse_args()
    if args.one:
        way, height, width = args.one
        measure(way, int(height), int(width))
        return
    print('| Photo | Way | CPU s | GB of memory | kB as PNG | kB as JPEG |')
    print('| --- | --- | ---: | ---: | ---: | ---: |', flush=True)
    for way in ('real pixels', 'enhancer-tiny'):
        for size in SIZES:
            command = [sys.executable, __file__, '--one', way, *map(str, size)]
            rows = subprocess.run(command, check=True, capture_output=True, text=True)
            print(rows.stdout.splitlines()[-1], flush=True)


if __name__ == '__main__':
    main()
