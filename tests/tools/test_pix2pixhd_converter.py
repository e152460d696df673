"""Official weights become a checkpoint, or an error says what does not fit."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmseg_ganaug.models import load_generator_weights
from mmseg_ganaug.registry import MODELS

TOOL = Path(__file__).parents[2] / 'tools/model_converters/pix2pixhd_to_mmagic.py'
MODEL = dict(
    type='Pix2PixHD',
    label_encoder=dict(num_classes=3),
    generator=dict(type='Pix2PixHDGlobalGenerator', base_channels=4, num_blocks=1),
    discriminator=dict(type='Pix2PixHDMultiscaleDiscriminator', base_channels=4),
    encoder=dict(type='Pix2PixHDEncoder'),
)


@pytest.fixture
def official(tmp_path):
    """Files as the official code leaves them, and a config."""
    torch.manual_seed(0)
    model = MODELS.build(MODEL)
    for name, network in (
        ('G', model.generators['photo']),
        ('D', model.discriminators['photo']),
        ('E', model.encoder),
    ):
        torch.save(network.state_dict(), tmp_path / f'latest_net_{name}.pth')
    Config(dict(model=MODEL)).dump(str(tmp_path / 'config.py'))
    return tmp_path, model


def convert(folder, *options):
    arguments = [folder / 'config.py', folder / 'latest_net_G.pth', folder / 'out.pth']
    return subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments), *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_all_networks_are_converted(official):
    folder, model = official
    options = ('--discriminator', folder / 'latest_net_D.pth')
    options += ('--encoder', folder / 'latest_net_E.pth')
    result = convert(folder, *options)
    assert result.returncode == 0, result.stderr
    target = MODELS.build(MODEL)
    state = torch.load(folder / 'out.pth', weights_only=True)['state_dict']
    target.load_state_dict(state)
    wanted = model.state_dict()
    assert all(torch.equal(v, wanted[k]) for k, v in target.state_dict().items())
    load_generator_weights(MODELS.build(MODEL), folder / 'out.pth')


def test_misfit_is_named_and_nothing_is_written(official):
    folder, _ = official
    state = torch.load(folder / 'latest_net_G.pth', weights_only=True)
    state['model.1.weight'] = state['model.1.weight'][:, :3]
    torch.save(state, folder / 'latest_net_G.pth')
    result = convert(folder)
    assert result.returncode != 0
    message = result.stderr.splitlines()[-1]
    assert 'reads 3 input channels' in message
    assert not list(folder.glob('out.pth*'))
