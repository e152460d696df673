"""Methods of one config with a generator each paint the same label maps."""

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from painters import ColourPainter, GreyPainter

from mmseg_ganaug.config_search import find_generated
from mmseg_ganaug.datasets.generation import sample_ids
from mmseg_ganaug.experiments.matrix import read_matrix
from mmseg_ganaug.registry import GENERATORS

CONFIG = """
real = dict(
    type='BaseSegDataset',
    data_root={root!r},
    data_prefix=dict(img_path='img', seg_map_path='ann'),
    img_suffix='.png',
    metainfo=dict(classes=['road', 'pole'], palette=[[0, 0, 0], [9, 9, 9]]),
)
generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    source=real,
    recomposer=dict(type='AddSingle', min_area=0),
    generator=dict(type='SmallPainter'),
    num_samples=4,
    cache_dir={root!r} + '/cache',
)
datasets = {datasets}
train_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=datasets))
val_dataloader = test_dataloader = dict(dataset=real)
test_evaluator = dict(type='mmseg_ganaug.ClassIoUMetric')
train_cfg = dict(max_iters=10)
default_hooks = dict(
    checkpoint=dict(type='CheckpointHook', by_epoch=False),
    logger=dict(type='LoggerHook', log_metric_by_epoch=False),
)
"""
MATRIX = """
protocol: toy
seeds: [0]
methods:
  plain: {folder}/plain.py
  own: {folder}/painted.py
  grey: {{config: {folder}/painted.py, generator: {{type: GreyPainter}}}}
  colour: {{config: {folder}/painted.py, generator: {{type: ColourPainter, name: b}}}}
"""


@GENERATORS.register_module(force=True)
class SmallPainter(GreyPainter):
    """Wants maps of another size than those of the data."""

    scale = (12, 8)


@pytest.fixture
def matrix(tmp_path):
    for index in range(4):
        labels = np.zeros((16, 24), np.uint8)
        labels[3 : 9 + index, 4 : 7 + index] = 1
        for kind, image in (('img', labels[..., None].repeat(3, 2)), ('ann', labels)):
            (tmp_path / kind).mkdir(exist_ok=True)
            assert cv2.imwrite(str(tmp_path / kind / f'{index}.png'), image)
    for name, datasets in (('plain', '[real]'), ('painted', '[real, generated]')):
        text = CONFIG.format(root=str(tmp_path), datasets=datasets)
        (tmp_path / f'{name}.py').write_text(text)
    path = tmp_path / 'matrix.yaml'
    path.write_text(MATRIX.format(folder=tmp_path))
    return path


def test_painters_get_the_same_label_maps_and_ids_each_for_its_own_store(matrix):
    read = read_matrix(matrix)
    assert not read.faults
    assert read.stated['grey']['generator'] == dict(type='GreyPainter')
    found = {}
    for name in ('own', 'grey', 'colour'):
        (config,) = find_generated(read.configs[name].train_dataloader.dataset)
        with DefaultScope.overwrite_default_scope('mmseg'):
            dataset = DATASETS.build({**config, 'lazy_init': True})
        plan, _ = dataset.plan()
        _, store = dataset.generate()
        labels = [cv2.imread(store.label_path(i), -1).tobytes() for i in range(4)]
        ids = sample_ids(plan, dataset.label_source())
        found[name] = ids, labels, store.folder
    assert found['own'][:2] == found['grey'][:2] == found['colour'][:2]
    assert len({folder for *_, folder in found.values()}) == 3
    assert len(found['own'][1][0]) == 8 * 12
    assert ColourPainter.batches > 0


def test_a_painter_without_a_plan_is_a_fault_of_its_method(matrix):
    with open(matrix, 'a') as file:
        file.write(
            f'  odd: {{config: {matrix.parent}/plain.py, generator: '
            '{type: GreyPainter}}\n'
        )
    read = read_matrix(matrix)
    assert 'trains on no GANRecomposeDataset' in read.faults['odd']
    assert set(read.configs) == {'plain', 'own', 'grey', 'colour'}


@pytest.mark.parametrize('key', ['generated.num_samples', 'train_dataloder.batch_size'])
def test_options_of_a_method_that_change_nothing_are_a_fault_of_it(matrix, key):
    with open(matrix, 'a') as file:
        config = f'{matrix.parent}/painted.py'
        file.write(f'  odd: {{config: {config}, cfg_options: {{{key}: 8}}}}\n')
    read = read_matrix(matrix)
    assert set(read.faults) == {'odd'}
    assert f'cfg_options {key}' in read.faults['odd']
    assert 'would change nothing' in read.faults['odd']


def test_other_test_data_that_would_be_the_same_are_a_fault(matrix):
    read = read_matrix(matrix, 'toy-elsewhere', {'real.ann_file': 'test.txt'})
    assert not read.configs
    assert 'set' in read.faults['plain']
    assert 'test_dataloader.dataset.ann_file' in read.faults['plain']


@pytest.mark.parametrize(
    ('indices', 'kept'),
    [([3, 1, 2], [3, 2]), (3, [0, 2]), (-3, [1, 3]), (None, [0, 2])],
)
def test_a_part_of_the_samples_is_thinned_not_replaced(matrix, indices, kept):
    config = matrix.parent / 'painted.py'
    suffix = "img_suffix='.png',"
    text = config.read_text().replace(suffix, f'{suffix} indices={indices},')
    config.write_text(text)
    matrix.write_text(f'{matrix.read_text()}train_every: 2\n')
    real, generated = (
        read_matrix(matrix).configs['own'].train_dataloader.dataset.datasets
    )
    assert real['indices'] == generated['source']['indices'] == kept


def test_a_misspelt_key_of_a_matrix_is_refused_and_others_are_not(matrix):
    text = f'{matrix.read_text()}x-anchors: {{a: 1}}\n'
    matrix.write_text(text)
    assert not read_matrix(matrix).faults
    matrix.write_text(f'{text}train_evry: 4\n')
    with pytest.raises(ValueError, match=r"'train_evry', .* did you mean train_every"):
        read_matrix(matrix)


@pytest.mark.parametrize(
    'kept', ['null', '{type: RealPixels}', '{type: BlurredPixels}']
)
def test_a_generator_for_all_replaces_no_real_pixels(matrix, kept):
    option = f'train_dataloader.dataset.datasets.1.generator: {kept}'
    config = f'config: {matrix.parent}/painted.py'
    matrix.write_text(
        f'{matrix.read_text()}  pasted: {{{config}, cfg_options: {{{option}}}}}\n'
        'generator: {type: ColourPainter, name: small}\n'
    )
    found = {
        name: find_generated(cfg.train_dataloader.dataset)[0]['generator']
        for name, cfg in read_matrix(matrix).configs.items()
        if name != 'plain'
    }
    assert found['own']['name'] == 'small'
    assert (found['pasted'] or {}).get('type') in (None, 'RealPixels', 'BlurredPixels')
