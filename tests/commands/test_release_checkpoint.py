"""A release holds weights alone, and works where a checkpoint does."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer

from mmseg_ganaug.commands import run_command
from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.synthesis import MMagicGenerator

MODEL = dict(
    type='Pix2PixHD',
    label_encoder=dict(num_classes=3),
    generator=dict(type='Pix2PixHDGlobalGenerator', base_channels=4, num_blocks=1),
    discriminator=dict(type='Pix2PixHDMultiscaleDiscriminator', base_channels=4),
)
CONFIG = dict(
    model=MODEL,
    train_dataloader=dict(
        dataset=dict(type='LabelToImageDataset', source=dict(type='CityscapesDataset'))
    ),
    train_cfg=dict(max_iters=7),
)


@pytest.fixture
def trained(tmp_path):
    """A config, and a checkpoint as MMEngine's runner leaves it."""
    torch.manual_seed(0)
    state = MODELS.build(MODEL).state_dict()
    averaged = {
        key.replace('generators.', 'generators_ema.', 1): value + 1
        for key, value in state.items()
        if key.startswith('generators.')
    }
    checkpoint = dict(
        state_dict={**state, **averaged},
        meta=dict(
            iter=7,
            cfg='secret = "/home/someone"',
            dataset_meta=dict(classes=('a', 'b', 'c'), palette=None, root='/home'),
        ),
        message_hub=dict(log_scalars={'loss': HistoryBuffer([1.0], [1])}),
        optimizer=dict(state={}),
    )
    torch.save(checkpoint, tmp_path / 'iter_7.pth')
    Config(CONFIG).dump(str(tmp_path / 'tiny.py'))
    return tmp_path


def test_a_config_that_only_tests_can_be_released(trained):
    nothing = dict(train_dataloader=None, train_cfg=None)
    Config(dict(CONFIG, **nothing)).dump(str(trained / 'tiny.py'))
    release(trained)
    assert 'see the config' in (trained / 'out/README.md').read_text()


def release(folder, *options):
    arguments = [folder / 'tiny.py', folder / 'iter_7.pth', folder / 'out']
    options = options or ('--licence', 'CC0', '--notes', 'It paints **boxes**.')
    run_command('release-checkpoint', [*map(str, arguments), *options])
    return folder / 'out'


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_weights_alone_are_kept_the_averaged_ones_of_the_generator(trained):
    (weights,) = release(trained).glob('*.pth')
    loaded = torch.load(weights, weights_only=True)
    assert set(loaded) == {'state_dict', 'meta'}
    dataset_meta = dict(classes=('a', 'b', 'c'), palette=None)
    assert loaded['meta'] == dict(dataset_meta=dataset_meta)
    full = torch.load(trained / 'iter_7.pth', weights_only=False)['state_dict']
    assert {key.split('.')[0] for key in loaded['state_dict']} == {'generators'}
    for key, value in loaded['state_dict'].items():
        assert torch.equal(value, full[key] + 1)


def test_the_digest_is_in_the_name_the_list_and_the_card(trained):
    out = release(trained)
    (weights,) = out.glob('*.pth')
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert weights.name == f'tiny-{digest[:8]}.pth'
    assert (out / 'SHA256SUMS').read_text() == f'{digest}  {weights.name}\n'
    card = (out / 'README.md').read_text()
    for part in (digest, 'CC0', 'It paints **boxes**.', 'CityscapesDataset', '| 7 |'):
        assert part in card
    assert f'Weights: {weights.name}' in card
    # Nothing of the machine that trained it.
    assert not any(b'/home' in content for content in contents(out).values())


def test_a_generator_paints_from_it_as_from_the_checkpoint(trained):
    out = release(trained)
    (weights,) = out.glob('*.pth')
    labels = np.random.default_rng(0).integers(0, 3, (1, 32, 32), np.uint8)
    photos = []
    for config, checkpoint in (
        (trained / 'tiny.py', trained / 'iter_7.pth'),
        (out / 'tiny.py', weights),
    ):
        generator = MMagicGenerator(str(config), str(checkpoint), device='cpu')
        generator.load()
        photos.append(generator.paint(labels))
    np.testing.assert_array_equal(*photos)


def test_the_same_checkpoint_gives_the_same_bytes_and_is_not_written_again(trained):
    first = contents(release(trained))
    assert contents(release(trained)) == first
    shutil.rmtree(trained / 'out')
    assert contents(release(trained)) == first
    assert json.loads(first['ganaug.json'])['purpose'] == 'checkpoint release'


def test_files_of_others_are_named_and_left(trained, capsys):
    (trained / 'out').mkdir()
    (trained / 'out/README.md').write_text('mine')
    with pytest.raises(SystemExit) as caught:
        release(trained)
    assert caught.value.code == 2
    assert str(trained / 'out/README.md') in capsys.readouterr().err
    assert contents(trained / 'out') == {'README.md': b'mine'}


def test_a_licence_is_asked_for(trained, capsys):
    with pytest.raises(SystemExit):
        release(trained, '--notes', 'x')
    assert '--licence' in capsys.readouterr().err


def test_what_is_no_checkpoint_is_named(trained):
    path = trained / 'iter_7.pth'
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(SystemExit, match=r'iter_7\.pth is no PyTorch checkpoint'):
        release(trained)
