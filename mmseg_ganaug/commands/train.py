"""Trains a segmenter or a generator, as the config says."""

import argparse
import os.path as osp
from typing import Any, List, Sequence

from mmseg_ganaug.commands.flags import add_cfg_options, add_launcher, set_local_rank
from mmseg_ganaug.config_search import type_name

GO_ON = 'It goes on from the latest checkpoint by'
TRACES = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options, the same as those of MMSeg's train.py."""
    parser.add_argument('config', help='config file of a PSPNet or a pix2pixHD')
    parser.add_argument(
        '--work-dir',
        help='folder of logs and checkpoints (default: that of the config, or '
        'work_dirs/NAME_OF_CONFIG)',
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the latest checkpoint in the work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='train with automatic mixed precision'
    )
    add_cfg_options(parser)
    add_launcher(parser)


def again(argv: Sequence[str]) -> List[str]:
    """Returns the arguments that go on with an interrupted training."""
    return [*argv, *(['--resume'] if '--resume' not in argv else [])]


def enable_amp(optim_wrapper) -> None:
    """Switches one optimizer wrapper, or each of a GAN's, to mixed precision."""
    nested = [
        value
        for value in optim_wrapper.values()
        if isinstance(value, dict) and 'optimizer' in value
    ]
    for wrapper in nested or [optim_wrapper]:
        kind = type_name(wrapper) if 'type' in wrapper else 'OptimWrapper'
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise SystemExit(f'--amp cannot change an optimizer wrapper {kind!r}')
        wrapper['type'] = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')


def go_on(cfg: Any) -> None:
    """Has a training go on from the latest checkpoint in its work dir, if there is one.

    Where a config begins with the weights of another training (``load_from``), MMEngine
    would resume that one, with its optimizer and at its iteration.

    Args:
        cfg (Config): With a ``work_dir``; is changed.
    """
    from mmengine.runner import find_latest_checkpoint

    is_begun = find_latest_checkpoint(cfg.work_dir) is not None
    cfg.resume = is_begun or cfg.get('load_from') is None
    if is_begun:
        cfg.load_from = None


def run(args: argparse.Namespace) -> None:
    """Builds the runner and trains."""
    from mmengine.runner import Runner

    from mmseg_ganaug.config_overrides import override
    from mmseg_ganaug.progress_hook import ProgressHook
    from mmseg_ganaug.safe_configs import read_config
    from mmseg_ganaug.tool_errors import errors_as_messages

    set_local_rank(args)
    with errors_as_messages():
        cfg = read_config(args.config)
    cfg.launcher = args.launcher
    override(cfg, args.cfg_options)
    name = osp.splitext(osp.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    if args.amp:
        enable_amp(cfg.optim_wrapper)
    if args.resume and 'load_from' in (args.cfg_options or {}):
        cfg.resume = True  # from the checkpoint that is named beside it
    elif args.resume:
        go_on(cfg)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(ProgressHook())
    runner.train()
