"""All ranks share the generation, and the bytes do not tell how many there were."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

SCRIPT = textwrap.dedent(
    """
    import json, os, sys, time
    import numpy as np
    import torch.distributed as dist
    from mmseg.registry import DATASETS
    from mmseg_ganaug.registry import GENERATORS

    config, cache_dir, dies = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    rank, world = int(os.environ['RANK']), int(os.environ['WORLD_SIZE'])
    if world > 1:
        dist.init_process_group('gloo')

    @GENERATORS.register_module()
    class Painter:
        ignore_index, uses_instances, scale = 255, False, None

        def fingerprint(self): return 'painter'
        def check(self, num_classes, has_instances): pass
        def load(self): pass
        def release(self): pass

        def paint(self, label_maps, instance_maps=None):
            if dies == str(rank):
                os._exit(9)
            time.sleep(0.05)
            with open(f'{cache_dir}.{rank}.marks', 'a') as file:
                file.write('x')
            return np.repeat(label_maps[..., None] * 20 + len(label_maps), 3, axis=-1)

    dataset = DATASETS.build(dict(config, cache_dir=cache_dir))
    assert len(dataset) == config['num_samples']
    assert 'inputs' in dataset[len(dataset) - 1]
    """
)


def run(config, cache_dir, world, dies=''):
    environment = dict(
        os.environ,
        WORLD_SIZE=str(world),
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(20000 + os.getpid() % 20000),
        OMP_NUM_THREADS='1',
        CUDA_VISIBLE_DEVICES='',
    )
    arguments = [sys.executable, '-c', SCRIPT, json.dumps(config), str(cache_dir), dies]
    processes = [
        subprocess.Popen(arguments, env=dict(environment, RANK=str(rank)))
        for rank in range(world)
    ]
    if dies:
        assert processes[int(dies)].wait(timeout=120) == 9
        # As torchrun does when one rank is gone.
        for process in processes:
            process.kill()
    return [process.wait(timeout=120) for process in processes]


def sample_files(cache_dir):
    return {
        path.relative_to(cache_dir): path.read_bytes()
        for path in Path(cache_dir).rglob('*')
        if path.is_file() and path.suffix in ('.png', '.jsonl')
    }


def test_two_ranks_share_the_work_and_make_what_one_makes(generated, tmp_path):
    config = dict(
        generated, generator=dict(type='Painter'), num_samples=17, batch_size=2
    )
    del config['cache_dir']
    one, two = tmp_path / 'one', tmp_path / 'two'
    assert run(config, one, 1) == [0]
    assert run(config, two, 2) == [0, 0]
    assert sample_files(one) == sample_files(two)
    marks = [len((tmp_path / f'two.{rank}.marks').read_text()) for rank in range(2)]
    assert sum(marks) == 9
    assert min(marks) >= 2

    # A rank that dies takes the run down; the next one goes on where it was.
    died = tmp_path / 'died'
    assert run(config, died, 2, dies='1')[1] == 9
    assert run(config, died, 1) == [0]
    assert sample_files(died) == sample_files(one)
