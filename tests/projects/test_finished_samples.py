"""Complete samples are used where the files that they were made with are gone."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.registry import DATASETS
from painters import GreyPainter
from small_projects import generated_of, joined, make

from mmseg_ganaug.config_search import type_name
from mmseg_ganaug.registry import GENERATORS

pytestmark = pytest.mark.usefixtures('scope')


@GENERATORS.register_module(force=True)
class FilePainter(GreyPainter):
    """Needs a config when it is built, and weights when it is asked about."""

    def __init__(self, config, weights):
        self.scale = tuple(json.loads(Path(config).read_text()))
        self._weights = weights

    def fingerprint(self):
        return Path(self._weights).read_text()

    def check(self, num_classes, has_instances):
        self.fingerprint()


@pytest.fixture
def generated(tmp_path):
    for name, text in (('config', '[48, 32]'), ('weights', 'first')):
        (tmp_path / name).write_text(text)
    painter = dict(
        type='FilePainter',
        config=str(tmp_path / 'config'),
        weights=str(tmp_path / 'weights'),
    )
    return generated_of(make(tmp_path), tmp_path, painter)


@pytest.mark.parametrize('gone', [['weights'], ['config'], ['config', 'weights']])
def test_complete_samples_are_used_without_the_generator(
    generated, tmp_path, gone, logged
):
    first = DATASETS.build(generated)
    photos = [first.get_data_info(i)['img_path'] for i in range(4)]
    for name in gone:
        (tmp_path / name).unlink()
    again = DATASETS.build(joined(generated['source'], generated))
    found = [again.datasets[1].get_data_info(i)['img_path'] for i in range(4)]
    assert found == photos
    assert again[11]['inputs'].shape == (3, 32, 48)
    assert again.datasets[1].get_cat_ids(0) == first.get_cat_ids(0)
    assert any('not needed, as all 4 samples are in' in text for text in logged)


def test_samples_of_other_options_labels_or_weights_are_not(generated, tmp_path):
    DATASETS.build(generated)
    (tmp_path / 'weights').write_text('second')
    DATASETS.build(generated)
    (tmp_path / 'weights').unlink()
    dataset = DATASETS.build(generated)
    store = Path(dataset.get_data_info(0)['img_path']).parents[1]
    assert json.loads((store / 'store.json').read_text())['generator'] == 'second'
    with pytest.raises(FileNotFoundError, match='weights'):
        DATASETS.build(dict(generated, seed=1))
    path = tmp_path / 'ann' / '1.png'
    labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert cv2.imwrite(str(path), np.roll(labels, 1, axis=1))
    with pytest.raises(FileNotFoundError, match='weights'):
        DATASETS.build(generated)


def test_samples_that_are_not_complete_need_the_generator(generated, tmp_path):
    dataset = DATASETS.build(generated)
    (tmp_path / 'weights').unlink()
    Path(dataset.get_data_info(2)['img_path']).unlink()
    with pytest.raises(FileNotFoundError, match='weights'):
        DATASETS.build(generated)


def test_a_damaged_record_counts_as_none(generated, tmp_path):
    DATASETS.build(generated)
    (tmp_path / 'weights').unlink()
    (record,) = (tmp_path / 'cache').glob('finished-*.json')
    for text in ('', '[]', '{"store": "../x", "samples": 4}', '{"samples": 4}'):
        record.write_text(text)
        with pytest.raises(FileNotFoundError, match='weights'):
            DATASETS.build(generated)


def test_a_type_may_be_the_class_itself(generated):
    by_class = dict(generated, generator=dict(generated['generator'], type=FilePainter))
    assert type_name(by_class['generator']) == 'FilePainter'
    assert len(DATASETS.build(by_class)) == 4
