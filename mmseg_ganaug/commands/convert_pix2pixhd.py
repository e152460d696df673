"""Turns official pix2pixHD weights into a checkpoint of a config's model."""

import argparse
import os
from pathlib import Path

from mmseg_ganaug.in_the_way import refuse
from mmseg_ganaug.tool_errors import errors_as_messages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument('config', help='config of the model, e.g. of label2city')
    parser.add_argument('generator', help='official latest_net_G.pth')
    parser.add_argument('out', help='where to write the checkpoint')
    parser.add_argument('--discriminator', help='official latest_net_D.pth')
    parser.add_argument('--encoder', help='official latest_net_E.pth')


def run(args: argparse.Namespace) -> None:
    """Converts, and says what is wrong with a checkpoint."""
    from mmseg_ganaug.checkpoints import CheckpointError

    with errors_as_messages(CheckpointError):
        convert(args)


def convert(args: argparse.Namespace) -> None:
    """Loads each network strictly, then writes them as one checkpoint."""
    import torch

    from mmseg_ganaug.checkpoints import load_strictly, read_state_dict
    from mmseg_ganaug.config_search import find_shipped
    from mmseg_ganaug.files import written_whole
    from mmseg_ganaug.registry import MODELS
    from mmseg_ganaug.safe_configs import read_config

    output = Path(args.out)
    refuse(([output] if os.path.lexists(output) else [], 'Give another output.'))
    model = MODELS.build(read_config(find_shipped(args.config)).model)
    networks = [(model.generators['photo'], args.generator)]
    if args.discriminator:
        networks.append((model.discriminators['photo'], args.discriminator))
    if args.encoder:
        if model.encoder is None:
            raise ValueError(
                f'{args.config} has no encoder: add encoder=dict(type='
                "'Pix2PixHDEncoder') to its model, or leave out --encoder"
            )
        networks.append((model.encoder, args.encoder))
    for network, path in networks:
        load_strictly(network, read_state_dict(path), path)
    state = model.state_dict()
    if not args.discriminator:
        # No network is better than an untrained one that looks trained.
        state = {k: v for k, v in state.items() if not k.startswith('discriminators.')}
    with written_whole(output) as file:
        torch.save({'state_dict': state, 'meta': {'config': args.config}}, file)
    print(f'{output}: {len(networks)} network(s), {len(state)} tensors')
