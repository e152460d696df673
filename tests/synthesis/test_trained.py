"""Checkpoints are found in work dirs, and what lacks is said."""

import pytest
from mmengine.config import Config

from mmseg_ganaug.registry import GENERATORS
from mmseg_ganaug.synthesis.trained import find_checkpoint


@pytest.fixture
def work_dir(tmp_path):
    for name in ('iter_500.pth', 'iter_4000.pth', 'last_checkpoint', 'config.py'):
        (tmp_path / name).touch()
    (tmp_path / 'last_checkpoint').write_text('/another/place/iter_4000.pth')
    return tmp_path


def test_the_latest_checkpoint_of_a_work_dir_is_found(work_dir):
    found = find_checkpoint(str(work_dir), 'a.py')
    assert found == str(work_dir / 'iter_4000.pth')
    assert find_checkpoint(found, 'a.py') == found


def test_a_work_dir_of_which_the_last_checkpoint_was_deleted(work_dir):
    (work_dir / 'iter_4000.pth').unlink()
    message = r'of the generator has.*names iter_4000\.pth.*not there.*: iter_500\.pth$'
    with pytest.raises(FileNotFoundError, match=message):
        find_checkpoint(str(work_dir), 'a.py')


def test_a_work_dir_that_does_not_say_which_is_the_last(work_dir):
    (work_dir / 'last_checkpoint').unlink()
    message = r'no file last_checkpoint.*: iter_500\.pth, iter_4000\.pth$'
    with pytest.raises(FileNotFoundError, match=message):
        find_checkpoint(str(work_dir), 'a.py', 'harmonizer')


def test_a_work_dir_without_checkpoints(tmp_path):
    message = r'harmonizer has no file last_checkpoint(.|\n)*ganaug train a\.py'
    with pytest.raises(FileNotFoundError, match=message):
        find_checkpoint(str(tmp_path), 'a.py', 'harmonizer')


def test_what_is_not_there_has_to_be_trained(tmp_path):
    message = r'^generator checkpoint .*no does not exist. Train it(.|\n)*train a\.py'
    with pytest.raises(FileNotFoundError, match=message):
        find_checkpoint(str(tmp_path / 'no'), 'a.py')


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        (None, 'has no model: name the config'),
        (dict(type='mmseg.EncoderDecoder'), 'num_classes, but .*EncoderDecoder: name'),
        (dict(generator={}, label_encoder={}), r'no model\.label_encoder\.num_classes'),
    ],
)
def test_a_config_that_is_none_of_a_generator_is_refused(tmp_path, model, message):
    path = str(tmp_path / 'a.py')
    Config(dict(model=model)).dump(path)
    with pytest.raises(ValueError, match=rf'MMagicGenerator: .*a\.py.*{message}'):
        GENERATORS.build(dict(type='MMagicGenerator', config=path, checkpoint='b.pth'))
