"""Official weights become a checkpoint, or an error says what does not fit."""

import runpy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from mmseg_ganaug.checkpoints import load_generator_weights
from mmseg_ganaug.models import LabelEncoder
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


@pytest.fixture
def convert(official, monkeypatch):
    """Runs the tool on the files."""

    def run(*options):
        folder = official[0]
        names = ('config.py', 'latest_net_G.pth', 'out.pth')
        arguments = [*(folder / name for name in names), *options]
        monkeypatch.setattr(sys, 'argv', [TOOL.name, *map(str, arguments)])
        runpy.run_path(str(TOOL), run_name='__main__')

    return run


def test_all_networks_are_converted(official, convert):
    folder, model = official
    options = ('--discriminator', folder / 'latest_net_D.pth')
    options += ('--encoder', folder / 'latest_net_E.pth')
    convert(*options)
    target = MODELS.build(MODEL)
    state = torch.load(folder / 'out.pth', weights_only=True)['state_dict']
    target.load_state_dict(state)
    wanted = model.state_dict()
    assert all(torch.equal(v, wanted[k]) for k, v in target.state_dict().items())
    # The official code keeps clusters of features in a file of its own.
    loaded = MODELS.build(MODEL)
    load_generator_weights(loaded, folder / 'out.pth', needs_clusters=False)
    for name, value in loaded.encoder.state_dict().items():
        assert torch.equal(value, wanted[f'encoder.{name}'])


def test_misfit_is_named_and_nothing_is_written(official, convert):
    folder, _ = official
    state = torch.load(folder / 'latest_net_G.pth', weights_only=True)
    state['model.1.weight'] = state['model.1.weight'][:, :3]
    torch.save(state, folder / 'latest_net_G.pth')
    with pytest.raises(SystemExit, match='reads 3 input channels'):
        convert()
    assert not list(folder.glob('*out.pth*'))


def test_a_file_at_the_output_is_left_alone(official, convert, capsys):
    mine = official[0] / 'out.pth'
    mine.write_bytes(b'mine')
    with pytest.raises(SystemExit) as caught:
        convert()
    assert caught.value.code == 2
    assert str(mine) in capsys.readouterr().err
    assert mine.read_bytes() == b'mine'


def test_label2city_config_reads_the_labelids_of_its_classes():
    from mmseg.datasets import CityscapesDataset

    # From the table of labels that Cityscapes publishes.
    ids = {
        'road': 7,
        'sidewalk': 8,
        'building': 11,
        'wall': 12,
        'fence': 13,
        'pole': 17,
        'traffic light': 19,
        'traffic sign': 20,
        'vegetation': 21,
        'terrain': 22,
        'sky': 23,
        'person': 24,
        'rider': 25,
        'car': 26,
        'truck': 27,
        'bus': 28,
        'train': 31,
        'motorcycle': 32,
        'bicycle': 33,
    }
    name = 'pix2pixhd_enhancer-label2city_1xb1-300k_cityscapes-1024x2048.py'
    cfg = Config.fromfile(TOOL.parents[2] / 'configs/pix2pixhd' / name)
    classes = CityscapesDataset.METAINFO['classes']
    assert list(cfg.model.label_encoder.label_ids) == [ids[c] for c in classes]
    with torch.device('meta'):
        model = MODELS.build(cfg.model)
    generator = model.generators['photo']
    assert generator.in_channels == 36
    assert sum(p.numel() for p in generator.parameters()) == 182_857_059
    encoder = LabelEncoder(**cfg.model.label_encoder)
    maps = torch.tensor([[[[*range(19), 255]]]], dtype=torch.uint8)
    channels = encoder(maps, torch.zeros_like(maps, dtype=torch.int32))[0, :35, 0]
    assert channels.argmax(0).tolist() == [*ids.values(), 0]
