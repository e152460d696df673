"""All ranks share the generation, and the bytes do not tell how many there were."""

import os
import time
from pathlib import Path

import numpy as np
from mmseg.registry import DATASETS
from painters import GreyPainter
from ranks import run_ranks

from mmseg_ganaug.registry import GENERATORS


@GENERATORS.register_module(force=True)
class MarkingPainter(GreyPainter):
    """Leaves a mark for each batch; the rank that is named dies of the first."""

    rank = dies = marks = None

    def paint(self, label_maps, instance_maps=None):
        if self.dies == self.rank:
            os._exit(9)
        time.sleep(0.05)
        with open(self.marks, 'a') as file:
            file.write('x')
        return np.repeat(label_maps[..., None] * 20 + len(label_maps), 3, axis=-1)


def generate(rank, config, dies):
    MarkingPainter.rank, MarkingPainter.dies = rank, dies
    MarkingPainter.marks = f'{config["cache_dir"]}.{rank}.marks'
    dataset = DATASETS.build(config)
    assert len(dataset) == config['num_samples']
    assert 'inputs' in dataset[len(dataset) - 1]


def run(config, cache_dir, world, dies=None):
    config = dict(config, cache_dir=str(cache_dir))
    return run_ranks(generate, world, cache_dir.parent, config, dies)


def sample_files(cache_dir):
    return {
        path.relative_to(cache_dir): path.read_bytes()
        for path in Path(cache_dir).rglob('*')
        if path.is_file() and path.suffix in ('.png', '.jsonl')
    }


def test_two_ranks_share_the_work_and_make_what_one_makes(generated, tmp_path):
    config = dict(
        generated, generator=dict(type='MarkingPainter'), num_samples=17, batch_size=2
    )
    one, two = tmp_path / 'one', tmp_path / 'two'
    assert run(config, one, 1) == [0]
    assert run(config, two, 2) == [0, 0]
    assert sample_files(one) == sample_files(two)
    marks = [len((tmp_path / f'two.{rank}.marks').read_text()) for rank in range(2)]
    assert sum(marks) == 9
    assert min(marks) >= 2

    # A rank that dies takes the run down; the next one goes on where it was.
    died = tmp_path / 'died'
    assert run(config, died, 2, dies=1)[1] == 9
    assert run(config, died, 1) == [0]
    assert sample_files(died) == sample_files(one)
