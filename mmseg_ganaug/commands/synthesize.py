"""Generates the samples of a config before training, which would do it as well.

Every GANRecomposeDataset of the training set is built from the same config as in
training, so that training afterwards finds all samples in its cache. A run that was
killed goes on where it was; several runs on one cache share the work.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any, List, Sequence

from mmseg_ganaug.commands.flags import (
    add_cfg_options,
    add_launcher,
    add_yes,
    set_local_rank,
)
from mmseg_ganaug.config_overrides import override
from mmseg_ganaug.config_search import dataset_of, find_generated

GO_ON = 'Samples that were made are kept; it goes on by'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
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
        '--dry-run',
        action='store_true',
        help='write no sample: say how many there are to be, how long a first batch '
        'takes, and what the classes have before and after',
    )
    add_yes(parser, '--prune removes')
    add_cfg_options(parser)
    add_launcher(parser)


def check(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """Refuses a dry run that would change what is there."""
    if args.dry_run and (args.verify or args.prune or args.launcher != 'none'):
        parser.error('--dry-run goes without --verify, --prune and --launcher')


def run(args: argparse.Namespace) -> None:
    """Generates what the stores of the data sets lack."""
    from mmengine.dist import barrier, init_dist, is_main_process
    from mmengine.registry import init_default_scope
    from mmseg.registry import DATASETS

    from mmseg_ganaug.safe_configs import read_config

    set_local_rank(args)
    cfg = read_config(args.config)
    override(cfg, args.cfg_options)
    configs = find_generated(dataset_of(cfg))
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
        if args.dry_run:
            estimate(dataset.generation)
            continue
        if args.verify:
            problems = dataset.verify()
            if is_main_process():
                print(
                    '\n'.join([*problems, f'{len(problems)} damaged samples removed'])
                )
        barrier()
        plan, store = dataset.generate()
        if is_main_process():
            size = len(plan) * store.sample_bytes(0) / 2**20
            print(f'{len(plan)} samples in {store.folder}, about {size:.1f} MiB')
        used.append(store.folder)
    if is_main_process():
        quoted = shlex.quote(args.config)
        if args.dry_run:
            print(f'Next, to make them:  ganaug synthesize {quoted}')
        else:
            print(
                f'Next, a contact sheet of them:  ganaug browse {quoted} --kind '
                f'generated\nThen, to train on them:         ganaug train {quoted}'
            )
    if args.prune and is_main_process():
        others = [c for c in find_generated(cfg.to_dict()) if c not in configs]
        prune([*used, *stores_of(others)], args.yes)


def estimate(generation: Any) -> None:
    """Prints what generating samples would take, and what it would change."""
    found, mib = generation.estimate(), 2**20
    print(
        f'{found.samples} samples, {found.samples - found.missing} of them are in '
        f'{generation.store.folder}\n{found.missing} to be made: about '
        f'{found.seconds / 60:.1f} minutes, {found.num_bytes / mib:.0f} MiB '
        f'({found.free_bytes / mib:.0f} MiB are free)'
    )
    print(share_table(generation.planned_balance()))


def share_table(report: Any) -> str:
    """Tables the shares of the pixels, before and after, in percent."""
    from prettytable import PrettyTable

    table = PrettyTable(['class', '% of pixels before', 'after'], align='r')
    table.align['class'] = 'l'
    for name, before, after in zip(
        report.class_names,
        report.before.pixel_frequency,
        report.planned.pixel_frequency,
    ):
        table.add_row([name, f'{100 * before:.3f}', f'{100 * after:.3f}'])
    return table.get_string()


def stores_of(configs: Sequence[dict]) -> List[Path]:
    """Finds the stores of data sets that training does not see, such as a test's."""
    from mmseg.registry import DATASETS

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


def prune(used: Sequence[Path], sure: bool) -> None:
    """Removes the stores beside those that are used, if the user agrees."""
    from mmseg_ganaug.synthesis import StoreInUseError, find_stores, remove_store

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


def is_same_place(folder: Path, other: Path) -> bool:
    """Checks whether two paths lead to one folder, by links or from another folder."""
    return other.exists() and folder.samefile(other)
