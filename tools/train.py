"""Trains a segmenter or a generator, as the config says."""

import argparse
import os
import os.path as osp

from mmengine.config import DictAction
from mmengine.runner import Runner

import mmseg_ganaug  # noqa: F401  before the config: its _base_ may be in a fork
from mmseg_ganaug.progress_hook import ProgressHook
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.tool_errors import errors_as_messages


def parse_args():
    """Reads the command line, the same as that of MMSeg's train.py."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of a PSPNet or a pix2pixHD')
    parser.add_argument('--work-dir', help='folder of logs and checkpoints')
    parser.add_argument(
        '--resume',
        action='store_true',
        help='go on from the latest checkpoint in the work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='train with automatic mixed precision'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config: key=value, key="[a,b]" or '
        'key="[(a,b),(c,d)]"; nested keys are joined by dots',
    )
    parser.add_argument(
        '--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none'
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


def enable_amp(optim_wrapper):
    """Switches one optimizer wrapper, or each of a GAN's, to mixed precision."""
    nested = [
        value
        for value in optim_wrapper.values()
        if isinstance(value, dict) and 'optimizer' in value
    ]
    for wrapper in nested or [optim_wrapper]:
        kind = wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise SystemExit(f'--amp cannot change an optimizer wrapper {kind!r}')
        wrapper.type = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')


def main():
    """Builds the runner and trains."""
    args = parse_args()
    with errors_as_messages():
        cfg = read_config(args.config)
    cfg.launcher = args.launcher
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    name = osp.splitext(osp.basename(args.config))[0]
    cfg.work_dir = args.work_dir or cfg.get('work_dir') or osp.join('work_dirs', name)
    if args.amp:
        enable_amp(cfg.optim_wrapper)
    cfg.resume = args.resume or cfg.get('resume', False)
    runner = Runner.from_cfg(cfg)
    runner.register_hook(ProgressHook())
    runner.train()


if __name__ == '__main__':
    main()
