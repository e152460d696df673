"""Writes a config that has a treatment of rare classes, and builds on yours.

Your config is not changed. The new one names it in its _base_ and trains under MMSeg's
own tools/train.py:

    ganaug apply my_config.py --treatment class-weights-sqrt

Treatments, which '+' joins (class-weights-sqrt+real-pixels):

    class-weights-sqrt, class-weights-rare, class-weights-inverse
    ohem, focal                       hard pixels
    rare-class-sampling               photos and crops that show rare classes
    larger-crops                      larger photos and crops
    real-pixels                       rare objects pasted into other photos
    add-single, add-multi, recon      generated pairs; they need --generator
"""

import argparse
import shlex
from pathlib import Path

from mmseg_ganaug.commands.flags import add_cfg_options, add_generator, add_seed
from mmseg_ganaug.commands.named_files import write_named

GO_ON = 'Nothing was written; it begins again by'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config of a training, yours or a shipped one')
    parser.add_argument('--treatment', required=True, help='its name, see above')
    parser.add_argument(
        '--out',
        help='the new config (default: CONFIG_TREATMENT.py beside yours; for a config '
        'of this package, in the working directory)',
    )
    parser.add_argument(
        '--cache-dir',
        default='data/ganaug',
        help='folder of label statistics and generated samples',
    )
    add_generator(parser)
    add_seed(parser, 'the plan of generated pairs')
    add_cfg_options(parser, 'settings of the config, in the new one')


def run(args: argparse.Namespace) -> None:
    """Writes the config, and says how to train with it."""
    from mmseg_ganaug.bench.treatments import TreatmentData, write_overlay
    from mmseg_ganaug.config_search import find_shipped

    config = find_shipped(args.config)
    name = args.treatment.replace('-', '_').replace('+', '_')
    # An installed package is no place for files of the user.
    beside = config if config == Path(args.config) else Path(config.name)
    out = Path(args.out or beside.with_name(f'{config.stem}_{name}.py'))
    generator = None
    if args.generator:
        generator = dict(zip(('config', 'checkpoint'), args.generator))
    data = TreatmentData(args.cache_dir, generator, args.seed)
    # One that is there is ours, but may have been edited.
    write_overlay(config, args.treatment, out, data, args.cfg_options, write_named)
    print(f'Written: {out}\nNext, to train:  ganaug train {shlex.quote(str(out))}')
