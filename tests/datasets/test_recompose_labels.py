"""RecomposeLabels: recombination inside a pipeline, with and without real pixels."""

import copy
import pickle

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmengine.runner import set_random_seed
from mmseg.registry import DATASETS
from small_maps import CLASSES, make_label_map, write_png

from mmseg_ganaug.datasets.label_source import DatasetLabelSource
from mmseg_ganaug.models import Harmonizer

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]


@pytest.fixture
def telling(source, tmp_path):
    """The source, with photos whose grey tells the class: 20 x class, ignore 200."""
    rng = np.random.default_rng(5)
    for index in range(8):
        label_map = make_label_map(rng)
        grey = np.where(label_map == 255, 10, label_map).astype(np.uint8) * 20
        write_png(tmp_path / 'img' / f'{index}.png', np.repeat(grey[..., None], 3, 2))
        write_png(tmp_path / 'ann' / f'{index}.png', label_map)
    return {key: value for key, value in source.items() if key != 'pipeline'}


def dataset_with(telling, tmp_path, more=(), **options):
    transform = dict(
        type='RecomposeLabels',
        source=telling,
        recomposer=dict(type='AddMulti', num_classes=2),
        cache_dir=str(tmp_path / 'cache'),
        num_recipes=50,
        prob=1.0,
    )
    transform.update(options)
    with DefaultScope.overwrite_default_scope('mmseg'):
        return DATASETS.build(dict(telling, pipeline=[*LOAD, transform, *more]))


WAYS = [
    dict(type='AddSingle'),
    dict(type='AddMulti', num_classes=2, flip_prob=0.5, shift_range=(0.1, 0.3)),
    dict(type='Recon', num_donors=3, flip_prob=0.5, shift_range=(0.1, 0.1)),
]


@pytest.mark.parametrize('recomposer', WAYS, ids=lambda way: way['type'])
def test_pasted_pixels_show_what_the_labels_say(telling, tmp_path, recomposer):
    dataset = dataset_with(telling, tmp_path, recomposer=recomposer, paste_pixels=True)
    for index in range(len(dataset)):
        sample = dataset[index]
        labels, grey = sample['gt_seg_map'], sample['img'][..., 0]
        known = labels != 255
        assert known.mean() > 0.5
        np.testing.assert_array_equal(grey[known], labels[known] * 20)
        assert sample['recomposed'] is False  # nothing is left to be painted
        assert 'recipe' in sample
        assert sample['img_shape'] == labels.shape == (24, 32)


def test_pixels_are_those_of_the_recipe(telling, tmp_path):
    dataset = dataset_with(telling, tmp_path, paste_pixels=True)
    transform = dataset.pipeline.transforms[2]
    sample = dataset[0]
    recipe = transform.plan[sample['recipe']]
    base = cv2.imread(str(tmp_path / 'ann' / f'{recipe.base}.png'), -1)
    changed = sample['gt_seg_map'] != base
    assert changed.any()
    assert set(np.unique(sample['gt_seg_map'][changed])) <= set(recipe.classes)
    assert sample['seg_map_path'] == str(tmp_path / 'ann' / f'{recipe.base}.png')


def test_without_pixels_the_photo_waits_to_be_painted(telling, tmp_path):
    dataset = dataset_with(telling, tmp_path, recomposer=dict(type='AddSingle'))
    sample = dataset[0]
    assert sample['recomposed'] is True
    base = cv2.imread(sample['img_path'])
    np.testing.assert_array_equal(sample['img'], base)
    labels = cv2.imread(sample['seg_map_path'], -1)
    assert (sample['gt_seg_map'] != labels).any()
    dataset = dataset_with(telling, tmp_path, recomposer=dict(type='Recon'))
    assert not dataset[0]['img'].any()


def test_what_has_changed_is_marked_where_asked_for(telling, tmp_path):
    dataset = dataset_with(telling, tmp_path)
    assert 'gt_changed_map' not in dataset[0]
    flip = [dict(type='RandomFlip', prob=1.0)]
    dataset = dataset_with(telling, tmp_path, flip, mark_changed=True)
    for index in range(len(dataset)):
        sample = dataset[index]
        base = cv2.imread(sample['seg_map_path'], -1)[:, ::-1]
        found = sample['gt_changed_map']
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found == 1, sample['gt_seg_map'] != base)
    recon = dict(type='Recon')
    dataset = dataset_with(telling, tmp_path, recomposer=recon, mark_changed=True)
    assert (dataset[0]['gt_changed_map'] == 1).all()


def test_where_borders_grow_the_photo_grows_with_the_labels(telling, tmp_path):
    things = [CLASSES[3]]
    options = dict(
        things=things, grow=[CLASSES[1]], grow_range=(0.1, 0.15), min_plausibility=0
    )
    recomposer = dict(type='AddSingle', classes=things, objects=options, min_area=0)
    dataset = dataset_with(telling, tmp_path, recomposer=recomposer, mark_changed=True)
    told = []
    for index in range(len(dataset)):
        sample = dataset[index]
        labels, kept = sample['gt_seg_map'], sample['gt_changed_map'] == 0
        kept &= labels != 255
        base = cv2.imread(sample['seg_map_path'], -1)
        grown = kept & (labels != base) & (base != 255)
        new, old = (
            np.abs(sample['img'][..., 0] - 20.0 * shown)[grown]
            for shown in (labels, base)
        )
        told += (new < old).tolist()
        sample['img'][:] = 0  # may be written to
    assert len(told) > 100
    assert np.mean(told) > 0.7


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(match_tone=True), 'paste_pixels=False pastes none'),
        (dict(mark_changed=True, paste_pixels=True), 'leaves nothing to paint'),
    ],
)
def test_options_that_would_do_nothing_are_refused(telling, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        dataset_with(telling, tmp_path, **options)


def test_a_stated_share_of_the_samples_is_replaced(telling, tmp_path):
    set_random_seed(3)
    dataset = dataset_with(telling, tmp_path, prob=0.25, paste_pixels=True)
    marks = ['recipe' in dataset[0] for _ in range(200)]
    assert 30 <= sum(marks) <= 70
    dataset = dataset_with(telling, tmp_path, prob=0.0, paste_pixels=True)
    sample = dataset[2]
    assert sample['recomposed'] is False
    np.testing.assert_array_equal(
        sample['gt_seg_map'], cv2.imread(sample['seg_map_path'], -1)
    )


def test_the_same_seed_of_the_worker_gives_the_same_samples(telling, tmp_path):
    dataset = pickle.loads(pickle.dumps(dataset_with(telling, tmp_path, prob=0.5)))
    runs = []
    for _ in range(2):
        set_random_seed(11)
        runs.append([dataset[i]['gt_seg_map'] for i in range(8)])
    np.testing.assert_array_equal(*runs)


def test_workers_that_begin_anew_draw_other_recipes_in_each_epoch(telling, tmp_path):
    dataset = dataset_with(telling, tmp_path, paste_pixels=True)
    epochs = []
    for order in ([0, 1, 2, 3, 4, 5, 6, 7], [5, 2, 7, 0, 6, 1, 4, 3]):
        # As MMEngine seeds a worker that is not persistent, in every epoch.
        set_random_seed(0)
        epochs.append([dataset[i]['recipe'] for i in order])
    assert all(0 <= number < 50 for epoch in epochs for number in epoch)
    assert epochs[0] != epochs[1]


def test_goes_through_the_rest_of_a_pipeline(telling, tmp_path):
    rest = [
        dict(type='RandomResize', scale=(64, 48), ratio_range=(0.5, 2.0)),
        dict(type='RandomCrop', crop_size=(16, 16)),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PhotoMetricDistortion'),
        dict(
            type='PackSegInputs',
            meta_keys=('img_path', 'ori_shape', 'img_shape', 'recomposed'),
        ),
    ]
    dataset = dataset_with(telling, tmp_path, rest, prob=0.5)
    set_random_seed(0)
    packed = [dataset[i] for i in range(8)]
    assert {p['data_samples'].metainfo['recomposed'] for p in packed} == {True, False}
    for sample in packed:
        height, width = sample['data_samples'].gt_sem_seg.shape
        assert sample['inputs'].shape == (3, height, width)


def test_the_plan_moves_the_distribution_to_the_target(telling, tmp_path):
    balanced = dict(type='AddMulti', num_classes=2, target='uniform')
    dataset = dataset_with(telling, tmp_path, recomposer=balanced)
    real = np.zeros(4)
    for index in range(8):
        labels = cv2.imread(str(tmp_path / 'ann' / f'{index}.png'), -1)
        real += np.bincount(labels.ravel(), minlength=256)[:4]
    made = np.zeros(4)
    for _ in range(100):
        labels = dataset[0]['gt_seg_map']
        made += np.bincount(labels.ravel(), minlength=256)[:4]
    rare = [2, 3]
    assert made[rare].sum() / made.sum() > 1.5 * real[rare].sum() / real.sum()


def test_instances_come_along(telling, tmp_path):
    for index in range(8):
        labels = cv2.imread(str(tmp_path / 'ann' / f'{index}.png'), -1)
        instances = np.where((labels == 2) | (labels == 3), labels * 5, 0)
        write_png(tmp_path / 'inst' / f'{index}.png', instances.astype(np.uint16))
    dataset = dataset_with(telling, tmp_path, instance_path=('/ann/', '/inst/'))
    sample = dataset[0]
    things = np.isin(sample['gt_seg_map'], (2, 3))
    np.testing.assert_array_equal(sample['gt_instance_map'] > 0, things)
    assert sample['seg_fields'] == ['gt_seg_map', 'gt_instance_map']


def test_a_photo_of_another_size_is_named(telling, tmp_path):
    dataset = dataset_with(telling, tmp_path, paste_pixels=True)
    for index in range(8):
        write_png(tmp_path / 'img' / f'{index}.png', np.zeros((12, 16, 3), np.uint8))
    with pytest.raises(ValueError, match=r'ann/\d\.png.*\[12, 16, 3\]'):
        dataset[0]


@pytest.mark.parametrize('wrong', [dict(prob=1.5), dict(num_recipes=0)])
def test_wrong_options_are_refused(telling, tmp_path, wrong):
    options = dict(recomposer=dict(type='AddSingle'), cache_dir=str(tmp_path), **wrong)
    transform = dict(type='RecomposeLabels', source=telling, **options)
    with pytest.raises(ValueError, match=f'RecomposeLabels: {next(iter(wrong))}='):
        DATASETS.build(dict(copy.deepcopy(telling), pipeline=[*LOAD, transform]))


def test_a_wrong_label_is_named_when_the_pipeline_is_built(telling, tmp_path):
    write_png(tmp_path / 'ann' / '3.png', np.full((24, 32), len(CLASSES), np.uint8))
    with pytest.raises(ValueError, match=r'3\.png.*label value 4'):
        dataset_with(telling, tmp_path)


def harmonizer_weights(tmp_path, num_classes, change):
    """Leaves a config and weights of a harmonizer that adds light to what is pasted."""
    model = Harmonizer(num_classes, channels=4, num_blocks=1)
    torch.nn.init.constant_(model.to_tone.bias[3:6], change)
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'weights.pth')
    settings = dict(
        type='mmseg_ganaug.Harmonizer',
        num_classes=num_classes,
        channels=4,
        num_blocks=1,
    )
    (tmp_path / 'harmonizer.py').write_text(f'model = {settings!r}\n')
    return dict(
        type='HarmonizedPixels',
        config=str(tmp_path / 'harmonizer.py'),
        checkpoint=str(tmp_path / 'weights.pth'),
    )


@pytest.mark.parametrize('kind', ['HarmonizedPixels', 'BlurredPixels'])
def test_pasted_pixels_are_retouched_and_it_survives_pickling(source, tmp_path, kind):
    source = {key: value for key, value in source.items() if key != 'pipeline'}
    retouch = dict(type=kind)
    if kind == 'HarmonizedPixels':
        retouch = harmonizer_weights(tmp_path, len(CLASSES), 0.5)
    options = dict(paste_pixels=True, recomposer=dict(type='AddSingle'))
    plain = dataset_with(source, tmp_path, **options)
    fitted = dataset_with(source, tmp_path, retouch=retouch, **options)
    samples = []
    for dataset in (plain, fitted, pickle.loads(pickle.dumps(fitted))):
        set_random_seed(0)
        samples.append([dataset[index] for index in range(4)])
    for one, two, again in zip(*samples):
        assert np.array_equal(one['gt_seg_map'], two['gt_seg_map'])
        assert np.array_equal(two['img'], again['img'])
    assert any((a['img'] != b['img']).any() for a, b in zip(*samples[:2]))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(), 'paste_pixels=False pastes none'),
        (dict(paste_pixels=True, recomposer=dict(type='Recon')), 'Recon has no base'),
    ],
)
def test_a_harmonizer_without_pasted_objects_is_refused(
    telling, tmp_path, options, message
):
    weights = harmonizer_weights(tmp_path, len(CLASSES), 0.5)
    with pytest.raises(ValueError, match=message):
        dataset_with(telling, tmp_path, retouch=weights, **options)


def test_samples_of_other_files_are_not_looked_for_one_by_one(telling, tmp_path):
    dataset = dataset_with(telling, tmp_path, prob=0.0, paste_pixels=True)
    transform, sample = dataset.pipeline.transforms[2], dataset[0]
    transform._first_checked = False
    asked = []
    name = DatasetLabelSource.name
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            DatasetLabelSource, 'name', lambda *args: asked.append(0) or name(*args)
        )
        for _ in range(5):
            transform(dict(sample, seg_map_path='of_another_data_set.png'))
    assert len(asked) == len(dataset)


def test_a_generator_that_paints_is_no_retouching(telling, tmp_path):
    generator = dict(type='MMagicGenerator', config='a.py', checkpoint='a.pth')
    with pytest.raises(ValueError, match='name HarmonizedPixels or BlurredPixels'):
        dataset_with(telling, tmp_path, retouch=generator, paste_pixels=True)


def test_a_harmonizer_of_other_classes_is_refused_when_built(telling, tmp_path):
    weights = harmonizer_weights(tmp_path, len(CLASSES) + 1, 0.5)
    with pytest.raises(ValueError, match=r'the harmonizer of .* was trained for'):
        dataset_with(telling, tmp_path, retouch=weights, paste_pixels=True)
