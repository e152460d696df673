"""What generated pairs cost besides the generator: making, storing, loading them.

    python benchmarks/generated_pairs.py CONFIG

takes a config that trains on generated pairs, makes some of them in a folder of its own
and prints the share of the time that was not the generator's, then the time to load a
real and a generated sample through the training pipeline.
"""

import argparse
import copy
import tempfile
import time
from typing import Callable

import numpy as np
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.synthesis import MMagicGenerator


def time_generation(config: dict, cache_dir: str, num_samples: int) -> None:
    """Prints how much of making samples is the generator's work."""
    config = dict(config, cache_dir=cache_dir, num_samples=num_samples, lazy_init=True)
    config.pop('ratio', None)
    spent = {'load': 0.0, 'paint': 0.0}
    originals = {name: getattr(MMagicGenerator, name) for name in spent}

    def timed(name: str) -> Callable:
        def method(self, *arguments):
            start = time.perf_counter()
            result = originals[name](self, *arguments)
            spent[name] += time.perf_counter() - start
            return result

        return method

    dataset = DATASETS.build(config)
    dataset.plan()  # statistics are read once, whatever the number of samples
    for name in spent:
        setattr(MMagicGenerator, name, timed(name))
    try:
        start = time.perf_counter()
        dataset.generate()
        total = time.perf_counter() - start
    finally:
        for name, method in originals.items():
            setattr(MMagicGenerator, name, method)
    rest = total - sum(spent.values())
    print(
        f'{num_samples} samples: {spent["load"]:.1f} s to load the generator, '
        f'{spent["paint"]:.1f} s to paint, {rest:.1f} s for all else, '
        f'{100 * rest / total:.1f} % of the time'
    )


def time_loading(config: dict, num_samples: int) -> float:
    """Measures the median time of a sample through the pipeline, in ms."""
    dataset = DATASETS.build(config)
    times = []
    for number in range(2 * num_samples):
        start = time.perf_counter()
        _ = dataset[number % min(num_samples, len(dataset))]
        times.append(time.perf_counter() - start)
    # The first round warms the disk's cache.
    return 1000 * float(np.median(times[num_samples:]))


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='config that trains on generated pairs')
    parser.add_argument('--samples', type=int, default=64)
    arguments = parser.parse_args()
    cfg = Config.fromfile(arguments.config)
    init_default_scope('mmseg')
    generated = copy.deepcopy(find_generated(cfg.train_dataloader.dataset)[0])
    with tempfile.TemporaryDirectory() as folder:
        time_generation(generated, folder, arguments.samples)
        generated.update(cache_dir=folder, num_samples=arguments.samples)
        generated.pop('ratio', None)
        real = time_loading(generated['source'], arguments.samples)
        ours = time_loading(generated, arguments.samples)
    print(
        f'loading a sample: {real:.1f} ms real, {ours:.1f} ms generated '
        f'({ours / real:.2f} x)'
    )


if __name__ == '__main__':
    main()
