"""Generates the samples of a config before training, which would do it as well.

Every GANRecomposeDataset of the training set is built from the same config as in
training, so that training afterwards finds all samples in its cache. A run that was
killed goes on where it was; several runs on one cache share the work.
"""

import argparse
import os
import sys

from mmengine.config import DictAction
from mmengine.dist import barrier, init_dist, is_main_process
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS

from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.safe_configs import read_config
from mmseg_ganaug.synthesis import StoreInUseError, find_stores, remove_store
from mmseg_ganaug.tool_errors import errors_as_messages


def parse_args():
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file that trains on generated samples')
    parser.add_argument(
        '--verify',
        action='store_true',
        help='read all samples that are there, and replace damaged ones',
    )
    parser.add_argument(
        '--prune',
        action='store_true',
        help='list, after that, the stores in the same cache folders that the config '
        'does not use (other configs may), and ask whether to remove them',
    )
    parser.add_argument(
        '--yes', action='store_true', help='--prune removes without asking'
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config: key=value; nested keys are joined by '
        'dots',
    )
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='all ranks share the work',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args


@errors_as_messages()
def main():
    """Generates what the stores of the data sets lack."""
    args = parse_args()
    cfg = read_config(args.config)
    if args.cfg_options is not None:
        cfg.merge_from_dict(args.cfg_options)
    configs = find_generated(cfg.train_dataloader.dataset)
    if not configs:
        raise SystemExit(
            f'{args.config} trains on no GANRecomposeDataset: there is nothing to '
            'generate'
        )
    if args.launcher != 'none':
        init_dist(args.launcher, **cfg.env_cfg.dist_cfg)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    used = []
    for config in configs:
        dataset = DATASETS.build(dict(config, lazy_init=True))
        if args.verify:
            problems = dataset.verify()
            if is_main_process():
                print(
                    '\n'.join([*problems, f'{len(problems)} damaged samples removed'])
                )
        barrier()
        plan, store = dataset.generate()
        if is_main_process():
            print(f'{len(plan)} samples in {store.folder}')
        used.append(store.folder)
    if args.prune and is_main_process():
        others = [c for c in find_generated(cfg.to_dict()) if c not in configs]
        prune([*used, *stores_of(others)], args.yes)


def stores_of(configs):
    """Finds the stores of data sets that training does not see, such as a test's."""
    folders = []
    for config in configs:
        try:
            folders.append(DATASETS.build(dict(config, lazy_init=True)).store().folder)
        except Exception as error:
            print(
                f'Nothing was pruned: the config holds a GANRecomposeDataset beside '
                f'those of its training, cache_dir={config.get("cache_dir")!r}, whose '
                f'store cannot be found: {error}',
                file=sys.stderr,
            )
            raise SystemExit(2) from error
    return folders


def prune(used, sure):
    """Removes the stores beside those that are used, if the user agrees."""
    unused = {
        folder: size
        for cache_dir in sorted({folder.parent.resolve() for folder in used})
        for folder, size in find_stores(cache_dir).items()
        if not any(is_same_place(folder, other) for other in used)
    }
    for folder, size in unused.items():
        print(f'Not used by this config: {folder} ({size / 2**20:.1f} MiB)')
    if not unused:
        print('There is nothing to prune.')
        return
    if not sure:
        if not sys.stdin.isatty():
            raise SystemExit('Nothing was removed: add --yes to remove them.')
        sure = input('Remove them? [y/N] ').strip().lower() == 'y'
    problems = []
    for folder in unused if sure else ():
        try:
            left = remove_store(folder)
        except StoreInUseError as error:
            print(error)
        except OSError as error:
            problems.append(f'{folder} cannot be removed: {error}')
        else:
            problems.extend(
                f'Not part of the store, left in place: {path}' for path in left
            )
            if not left:
                print(f'Removed: {folder}')
    if problems:
        print('\n'.join(problems), file=sys.stderr)
        raise SystemExit(2)


def is_same_place(folder, other):
    """Checks whether two paths lead to one folder, by links or from another folder."""
    return other.exists() and folder.samefile(other)


if __name__ == '__main__':
    main()
