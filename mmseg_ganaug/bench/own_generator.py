"""A generator that a bench trains on its training photos, for painted pairs."""

import copy
from typing import Any, Dict, Mapping, Optional

from mmengine.config import Config

from mmseg_ganaug.bench.inputs import BenchInputs
from mmseg_ganaug.bench.options import BenchOptions
from mmseg_ganaug.config_search import find_shipped, model_of
from mmseg_ganaug.experiments.runner import CellRunner
from mmseg_ganaug.experiments.training_run import TrainingRun
from mmseg_ganaug.own_data.configs import scale_length
from mmseg_ganaug.ownership import WorkFolder
from mmseg_ganaug.safe_configs import read_config, write_config

_SHIPPED = 'configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256.py'
_NAME = 'generator'


def find_generator(
    options: BenchOptions, inputs: BenchInputs, work: WorkFolder
) -> Optional[Mapping[str, str]]:
    """Returns the generator of a bench, as treatments take it; None without one.

    Args:
        options (BenchOptions): May name one, or ask for one to be trained.
        inputs (BenchInputs): See :func:`train_own_generator`.
        work (WorkFolder): See :func:`train_own_generator`.
    """
    if options.train_generator:
        return train_own_generator(inputs, work, options.train_generator, options.seed)
    if not options.generator:
        return None
    config, checkpoint = options.generator
    return dict(config=config, checkpoint=checkpoint)


def train_own_generator(
    inputs: BenchInputs, work: WorkFolder, iterations: int, seed: int
) -> Dict[str, str]:
    """Trains a small pix2pixHD on the photos that the race trains on.

    One that is trained is not trained again, and an interrupted training goes on from
    its last checkpoint.

    Args:
        inputs (BenchInputs): Its training data, whose photos stay as large as they are,
            and its crops are used; the photos that choose and evaluate are not seen.
        work (WorkFolder): The config goes to ``configs`` in it, the training to
            ``runs/generator``.
        iterations (int): Length of the training, with one crop each.
        seed (int): Of the training.

    Returns:
        dict[str, str]: ``config`` and ``checkpoint``, as treatments take them.

    Raises:
        InTheWayError: When files of the user are where something would be written.
        ToolError: When the training fails.
    """
    path = work.folder / 'configs' / f'{_NAME}.py'
    cfg = _generator_config(inputs, iterations, seed)
    cfg.work_dir = str(work.folder / 'runs' / _NAME)
    training = TrainingRun(path, cfg, inputs.digest, work)
    work.refuse(training.in_the_way())
    write_config(cfg, path, work.write)
    CellRunner(_NAME, work).train(
        f'train a generator (pix2pixHD) for {iterations} iterations', training, _NAME
    )
    return dict(config=str(path), checkpoint=str(cfg.work_dir))


def _generator_config(inputs: BenchInputs, iterations: int, seed: int) -> Config:
    cfg = read_config(find_shipped(_SHIPPED))
    data = inputs.cfg.train_dataloader.dataset
    # Of other data it is not known whether they have instances, or this size.
    cfg.model.label_encoder = dict(
        num_classes=len(inputs.classes), ignore_index=inputs.ignore_index
    )
    preprocessor = model_of(inputs.cfg).get('data_preprocessor') or {}
    crop = preprocessor.get('size') or (112, 160)
    painted: Any = cfg.train_dataloader.dataset
    painted.source = copy.deepcopy(data)
    for option in ('with_instances', 'scale'):
        painted.pop(option)
    painted.pipeline[0].update(
        crop_size=tuple(max(32, side // 16 * 16) for side in crop),
        ignore_index=inputs.ignore_index,
    )
    scale_length(cfg, iterations)
    cfg.default_hooks.checkpoint.interval = max(1, iterations // 3)
    if inputs.cfg.get('custom_imports'):
        cfg.custom_imports = inputs.cfg.custom_imports
    cfg.randomness = dict(seed=seed)
    return cfg
