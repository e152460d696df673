import codecs
import copy
import pickle
import subprocess
from fractions import Fraction

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmseg_ganaug import checkpoints
from mmseg_ganaug.checkpoints import (
    CheckpointError,
    allow_checkpoint_types,
    load_checkpoint,
    load_generator_weights,
    read_state_dict,
)
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


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('version https://git-lfs.github.com/spec/v1\noid sha256:0', 'git lfs pull'),
        (
            'version of something',
            "is no PyTorch checkpoint.*b'version of so",
        ),
        ('<!DOCTYPE html><html></html>', r"begins with b'<!DOCTYPE html>.*download"),
    ],
)
def test_text_is_not_called_suspicious(tmp_path, content, message):
    path = tmp_path / 'G.pth'
    path.write_text(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_generator_weights(build(), path)
    assert 'more than weights' not in str(caught.value)


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


@pytest.fixture(params=['this torch', 'torch before 2.6'])
def any_torch(request, monkeypatch):
    if request.param == 'torch before 2.6':
        monkeypatch.setattr(checkpoints, '_torch_allows_by_name', lambda: False)


@pytest.fixture
def checkpoint(tmp_path):
    """One as MMEngine's runner writes it."""
    path = tmp_path / 'iter_2.pth'
    content = {
        'state_dict': {
            'weight': torch.ones(2),
            'half': torch.ones(3, dtype=torch.bfloat16),
        },
        'message_hub': {
            'log': HistoryBuffer([1.0, 2.0], [1, 1]),
            'scalar': np.float64(0.5),
            'seed': np.int64(3),
            'array': np.arange(3, dtype=np.float32),
        },
        'meta': {'epoch': 1, 'classes': ('road', 'car')},
    }
    torch.save(content, path)
    return path


def test_checkpoints_of_mmengine_are_read(any_torch, checkpoint):
    loaded = load_checkpoint(checkpoint)
    assert loaded['state_dict']['weight'].tolist() == [1, 1]
    assert loaded['state_dict']['half'].dtype == torch.bfloat16
    assert loaded['message_hub']['log'].mean() == 1.5
    assert loaded['message_hub']['scalar'] == 0.5
    assert loaded['message_hub']['seed'] == 3
    assert loaded['message_hub']['array'].tolist() == [0, 1, 2]
    assert loaded['meta']['classes'] == ('road', 'car')


@pytest.mark.skipif(
    not checkpoints._torch_allows_by_name(), reason='torch >= 2.6 checks'
)
def test_mmengines_own_loading_reads_them_with_the_check_on(checkpoint):
    allow_checkpoint_types()
    loaded = torch.load(checkpoint, weights_only=True)
    assert loaded['message_hub']['log'].mean() == 1.5


def test_files_of_the_format_before_torch_1_6_are_read(any_torch, tmp_path):
    path = tmp_path / 'latest_net_G.pth'
    state = {'weight': torch.arange(4.0)}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert load_checkpoint(path)['weight'].tolist() == [0, 1, 2, 3]


class RunsACommand:
    def __reduce__(self):
        return subprocess.getoutput, ('echo run',)


class LooksUp:
    def __init__(self, owner, name):
        self.looked_up = owner, name

    def __reduce__(self):
        return getattr, self.looked_up


@pytest.mark.parametrize(
    'value', [Fraction(1, 2), RunsACommand(), LooksUp(torch.Tensor, 'numpy')]
)
def test_anything_else_in_a_checkpoint_is_refused(any_torch, tmp_path, value):
    path = tmp_path / 'checkpoint.pth'
    torch.save({'object': value}, path)
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(path)
    with pytest.raises(CheckpointError, match='holds more than weights'):
        read_state_dict(path)


def test_a_checkpoint_may_not_look_up_other_attributes():
    look_up = checkpoints._history_method
    assert look_up(HistoryBuffer, 'min') is HistoryBuffer.min
    for owner, name in ((HistoryBuffer, '__class__'), (subprocess, 'Popen')):
        with pytest.raises(pickle.UnpicklingError, match='looks up'):
            look_up(owner, name)


class Encodes:
    def __reduce__(self):
        return codecs.encode, ('x', 'rot13')


def test_bytes_of_an_array_are_decoded_in_one_way_only(tmp_path, monkeypatch):
    assert checkpoints._array_bytes('\xff', 'latin1') == b'\xff'
    with pytest.raises(pickle.UnpicklingError, match='encodes its arrays'):
        checkpoints._array_bytes('x', 'rot13')
    # Later versions of torch call any codec: they only change text.
    monkeypatch.setattr(checkpoints, '_torch_allows_by_name', lambda: False)
    torch.save({'object': Encodes()}, tmp_path / 'checkpoint.pth')
    with pytest.raises(CheckpointError, match=r'more than weights.*encodes its arrays'):
        read_state_dict(tmp_path / 'checkpoint.pth')
