import codecs
import pickle
import subprocess
from fractions import Fraction

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from mmseg_ganaug import safe_checkpoints
from mmseg_ganaug.checkpoints import CheckpointError, read_state_dict
from mmseg_ganaug.safe_checkpoints import allow_checkpoint_types, load_checkpoint


@pytest.fixture(params=['this torch', 'torch before 2.6'])
def any_torch(request, monkeypatch):
    if request.param == 'torch before 2.6':
        monkeypatch.setattr(safe_checkpoints, '_torch_allows_by_name', lambda: False)


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
    not safe_checkpoints._torch_allows_by_name(), reason='torch >= 2.6 checks'
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
    look_up = safe_checkpoints._history_method
    assert look_up(HistoryBuffer, 'min') is HistoryBuffer.min
    for owner, name in ((HistoryBuffer, '__class__'), (subprocess, 'Popen')):
        with pytest.raises(pickle.UnpicklingError, match='may not look up'):
            look_up(owner, name)


class Encodes:
    def __reduce__(self):
        return codecs.encode, ('x', 'rot13')


def test_bytes_of_an_array_are_decoded_in_one_way_only(tmp_path, monkeypatch):
    assert safe_checkpoints._array_bytes('\xff', 'latin1') == b'\xff'
    with pytest.raises(pickle.UnpicklingError, match='may not encode'):
        safe_checkpoints._array_bytes('x', 'rot13')
    # Later versions of torch call any codec: they only change text.
    monkeypatch.setattr(safe_checkpoints, '_torch_allows_by_name', lambda: False)
    torch.save({'object': Encodes()}, tmp_path / 'checkpoint.pth')
    with pytest.raises(CheckpointError, match=r'more than weights.*may not encode'):
        read_state_dict(tmp_path / 'checkpoint.pth')
