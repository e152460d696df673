"""Turns official pix2pixHD weights into a checkpoint of a config's model."""

import argparse
from pathlib import Path

import torch
from mmengine.config import Config

from mmseg_ganaug.models.checkpoint import load_strictly, read_state_dict
from mmseg_ganaug.registry import MODELS


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config of the model, e.g. of label2city')
    parser.add_argument('generator', help='official latest_net_G.pth')
    parser.add_argument('output', help='where to write the checkpoint')
    parser.add_argument('--discriminator', help='official latest_net_D.pth')
    parser.add_argument('--encoder', help='official latest_net_E.pth')
    return parser.parse_args()


def main() -> None:
    """Loads each network strictly, then writes them as one checkpoint."""
    args = parse_args()
    model = MODELS.build(Config.fromfile(args.config).model)
    networks = [(model.generators['photo'], args.generator)]
    if args.discriminator:
        networks.append((model.discriminators['photo'], args.discriminator))
    if args.encoder:
        if model.encoder is None:
            raise SystemExit(
                f'{args.config} has no encoder: add encoder=dict(type='
                "'Pix2PixHDEncoder') to its model, or leave out --encoder"
            )
        networks.append((model.encoder, args.encoder))
    for network, path in networks:
        load_strictly(network, read_state_dict(path), path)
    state = model.state_dict()
    if not args.discriminator:
        # Better none than an untrained one that looks like a trained one.
        state = {k: v for k, v in state.items() if not k.startswith('discriminators.')}
    output = Path(args.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(output.name + '.partial')
    torch.save({'state_dict': state, 'meta': {'config': args.config}}, partial)
    partial.replace(output)
    print(f'{output}: {len(networks)} network(s), {len(state)} tensors')


if __name__ == '__main__':
    main()
