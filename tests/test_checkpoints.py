import copy

import pytest
import torch

from mmseg_ganaug.checkpoints import CheckpointError, load_generator_weights
from mmseg_ganaug.models import Pix2PixHDMultiscaleDiscriminator
from mmseg_ganaug.registry import MODELS


def build(num_classes=3, edges=False, **generator):
    return MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=dict(num_classes=num_classes, edges=edges),
            generator=dict(
                dict(
                    type='Pix2PixHDGlobalGenerator',
                    base_channels=4,
                    num_downsamples=1,
                    num_blocks=1,
                ),
                **generator,
            ),
        )
    )


def same(first, second):
    second = second.state_dict()
    return all(torch.equal(v, second[k]) for k, v in first.state_dict().items())


def test_official_state_dict_loads(tmp_path):
    source, target = build(), build()
    torch.save(source.generators['photo'].state_dict(), tmp_path / 'latest_net_G.pth')
    load_generator_weights(target, tmp_path / 'latest_net_G.pth')
    assert same(source.generators, target.generators)


def test_state_dict_of_an_old_pytorch_loads(tmp_path):
    """Before 0.4 there were statistics of instance norms, before 1.6 no zip files."""
    source, target = build(), build()
    state = dict(source.generators['photo'].state_dict())
    for name, module in source.generators['photo'].named_modules():
        if isinstance(module, torch.nn.InstanceNorm2d):
            state[f'{name}.running_mean'] = torch.zeros(module.num_features)
            state[f'{name}.running_var'] = torch.ones(module.num_features)
    path = tmp_path / 'latest_net_G.pth'
    torch.save(state, path, _use_new_zipfile_serialization=False)
    load_generator_weights(target, path)
    assert same(source.generators, target.generators)


def test_checkpoint_of_the_runner_loads(tmp_path):
    import numpy as np
    from mmengine.logging import HistoryBuffer

    source, target = build(), build()
    path = tmp_path / 'iter_10.pth'
    history = HistoryBuffer(np.ones(3), np.ones(3))
    torch.save(
        dict(
            state_dict=source.state_dict(),
            meta=dict(iter=10),
            message_hub=dict(log_scalars=dict(loss=history)),
        ),
        path,
    )
    load_generator_weights(target, path)
    assert same(source.generators, target.generators)


def test_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(CheckpointError, match=r'no checkpoint .*nothing.pth: train'):
        load_generator_weights(build(), tmp_path / 'nothing.pth')


def test_truncated_file_is_refused(tmp_path):
    path = tmp_path / 'G.pth'
    torch.save(build().generators['photo'].state_dict(), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CheckpointError, match=r'G.pth.*cut off'):
        load_generator_weights(build(), path)


@pytest.mark.parametrize('content', [b'', b'no checkpoint at all'])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / 'G.pth'
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r'G\.pth'):
        load_generator_weights(build(), path)


def test_pickled_object_is_refused_and_not_run(tmp_path):
    path = tmp_path / 'G.pth'
    torch.save(build(), path)
    with pytest.raises(CheckpointError, match=r'G.pth.*state_dict'):
        load_generator_weights(build(), path)


def test_something_else_than_a_state_dict_is_refused(tmp_path):
    path = tmp_path / 'G.pth'
    torch.save(dict(epoch=3), path)
    with pytest.raises(CheckpointError, match='no state dict'):
        load_generator_weights(build(), path)


@pytest.mark.parametrize(
    ('trained', 'diagnosis'),
    [
        (dict(base_channels=8), r'base_channels=8, the model 4'),
        (dict(num_classes=5), r'reads 6 input channels, the model 4'),
        (dict(edges=True), r'reads 5 input channels, the model 4'),
        (dict(num_blocks=2), r'missing|unexpected'),
        (dict(num_downsamples=2), r'missing|unexpected'),
    ],
)
def test_checkpoint_of_another_architecture_is_diagnosed(tmp_path, trained, diagnosis):
    path = tmp_path / 'G.pth'
    torch.save(build(**trained).generators['photo'].state_dict(), path)
    target = build()
    before = copy.deepcopy(target)
    with pytest.raises(CheckpointError, match=diagnosis) as error:
        load_generator_weights(target, path)
    assert 'G.pth' in str(error.value)
    assert same(before, target)


def test_missing_and_unexpected_keys_are_named(tmp_path):
    path = tmp_path / 'G.pth'
    state = build().generators['photo'].state_dict()
    state['foreign'] = state.pop('model.1.bias')
    torch.save(state, path)
    with pytest.raises(CheckpointError, match=r'model\.1\.bias') as error:
        load_generator_weights(build(), path)
    assert 'foreign' in str(error.value)


def test_checkpoint_of_the_discriminator_is_recognised(tmp_path):
    path = tmp_path / 'latest_net_D.pth'
    torch.save(Pix2PixHDMultiscaleDiscriminator(5, base_channels=4).state_dict(), path)
    with pytest.raises(CheckpointError, match='another network'):
        load_generator_weights(build(), path)
