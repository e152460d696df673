"""What painting photos inside the training step costs.

    python benchmarks/online_painting.py SEGMENTER_CONFIG GENERATOR_CONFIG

times training steps of the segmenter in which none, half and all of the samples are
painted by ``GANSegDataPreProcessor``. Weights are random: they do not change the time.
"""

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict

import numpy as np
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from mmseg_ganaug.config_search import nested_dicts
from mmseg_ganaug.registry import MODELS as OWN_MODELS


def random_weights(config: Config, folder: str) -> str:
    """Writes a checkpoint of the generator."""
    path = str(Path(folder) / 'generator.pth')
    torch.save(OWN_MODELS.build(copy.deepcopy(config.model)).state_dict(), path)
    return path


def build_segmenter(cfg: Config, generator: dict, device: str):
    """Builds the segmenter with the painting data preprocessor."""
    for part in nested_dicts(cfg.model):
        part.pop('pretrained', None)
        part.pop('init_cfg', None)
        if part.get('type') == 'SyncBN':
            part['type'] = 'BN'
    cfg.model.data_preprocessor.update(
        type='mmseg_ganaug.GANSegDataPreProcessor', generator=generator
    )
    cfg.model.data_preprocessor.ignore_index = cfg.model.decode_head.get(
        'ignore_index', 255
    )
    return MODELS.build(cfg.model).to(device).train()


def make_batch(painted: int, size, cfg: Config) -> dict:
    """Makes a batch of blocky label maps; the first ones have to be painted."""
    rng = np.random.default_rng(0)
    height, width = size
    inputs, samples = [], []
    for number in range(cfg.batch):
        blocks = rng.integers(0, cfg.classes, (-(-height // 8), -(-width // 8)))
        labels = blocks.repeat(8, 0).repeat(8, 1)[:height, :width]
        photo = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
        inputs.append(torch.from_numpy(photo))
        sample = SegDataSample(
            gt_sem_seg=PixelData(data=torch.from_numpy(labels)[None])
        )
        sample.set_metainfo(dict(recomposed=number < painted))
        samples.append(sample)
    return dict(inputs=inputs, data_samples=samples)


def timed(work: Callable[[], object], device: str) -> float:
    """Measures wall time in seconds."""
    if device != 'cpu':
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if device != 'cpu':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Runs the benchmark; the cases take turns."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('segmenter', help='config of a segmenter')
    parser.add_argument('generator', help='config of a generator for its classes')
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--precision', default='auto', help='of the generator')
    parser.add_argument('--device', default='cpu')
    arguments = parser.parse_args()
    cfg = Config.fromfile(arguments.segmenter)
    generator = Config.fromfile(arguments.generator)
    size = generator.scale[::-1]
    shape = Config(
        dict(batch=arguments.batch, classes=generator.model.label_encoder.num_classes)
    )
    # Building a generator needs MMagic's scope, and the segmenter MMSeg's.
    with tempfile.TemporaryDirectory() as folder:
        init_default_scope('mmagic')
        checkpoint = random_weights(generator, folder)
        init_default_scope('mmseg')
        painter = dict(
            config=arguments.generator,
            checkpoint=checkpoint,
            precision=arguments.precision,
        )
        model = build_segmenter(cfg, painter, arguments.device)
        optimizer = build_optim_wrapper(
            model, dict(optimizer=dict(type='SGD', lr=1e-3))
        )
        cases = sorted({0, max(1, arguments.batch // 2), arguments.batch})
        times: Dict[int, list] = {painted: [] for painted in cases}
        for number in range(arguments.rounds + 1):
            for painted in cases:
                batch = make_batch(painted, size, shape)
                seconds = timed(
                    lambda batch=batch: model.train_step(batch, optimizer),
                    arguments.device,
                )
                if number:  # the first round loads and warms up
                    times[painted].append(seconds)
    none = statistics.median(times[0])
    print(f'{arguments.device}, batch of {arguments.batch} at {size[0]} x {size[1]}')
    for painted, seconds in times.items():
        value = statistics.median(seconds)
        print(f'  {painted} painted: {value:.3f} s a step, {value / none:.2f} x')


if __name__ == '__main__':
    main()
