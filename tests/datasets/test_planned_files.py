"""A plan as files: what is in them, and what a second or a killed run does."""

import json
import os
import shutil

import cv2
import numpy as np
import pytest
from small_maps import CLASSES

from mmseg_ganaug.commands import main
from mmseg_ganaug.datasets import planned_files
from mmseg_ganaug.datasets.export_plan import export_plan, generated_dataset
from mmseg_ganaug.datasets.planned_files import read_planned
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.recompose import replay

PALETTE = [[0, 0, 0], [9, 9, 9], [99, 0, 0], [0, 99, 0]]
KINDS = ['labels', 'colors', 'context', 'mask']


@pytest.fixture
def out(tmp_path):
    return tmp_path / 'out'


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def dataset_of(config):
    from mmseg.registry import DATASETS

    return DATASETS.build(dict(config, lazy_init=True))


def contents_of(folder):
    return {
        path.relative_to(folder): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob('*'))
        if path.is_file() and not path.name.startswith('.')
    }


def test_every_sample_has_its_files_and_a_line(generated, out):
    (listed,) = export_plan(generated, str(out))
    assert listed == str(out / 'plan.jsonl')
    header, *rows = rows_of(out / 'plan.jsonl')
    assert header == dict(
        format='mmseg_ganaug.painting_plan',
        version=1,
        samples=10,
        planned=10,
        class_names=list(CLASSES),
        ignore_index=255,
    )
    dataset = dataset_of(generated)
    plan, recomposer = dataset.plan()
    source = dataset.label_source()
    colours = np.zeros((256, 3), np.uint8)
    colours[:4] = PALETTE
    for number, (row, recipe) in enumerate(zip(rows, plan)):
        made = recomposer.recompose(recipe, source, with_photo=True, match_tone=True)
        assert list(row['files']) == KINDS
        labels, colors, context, mask = (
            read(out / row['files'][kind]) for kind in KINDS
        )
        np.testing.assert_array_equal(labels, made.label_map)
        np.testing.assert_array_equal(colors[..., ::-1], colours[labels])
        np.testing.assert_array_equal(context, made.photo)
        np.testing.assert_array_equal(mask, made.changed * np.uint8(255))
        assert row['number'] == number and row['id'].endswith(f'-{number:06d}')
        assert (row['width'], row['height']) == (32, 24)
        assert 0 <= row['seed'] < 2**32
        present = [name for i, name in enumerate(CLASSES) if (labels == i).any()]
        assert sorted(row['shares']) == sorted(present)
        assert row['shares']['ground'] == round((labels == 0).mean(), 6)
        assert row['prompt'].startswith('a photo of ')
        assert all(name in row['prompt'] for name in present)
    for (name, recipe), row in zip(read_planned(out / 'plan.jsonl'), rows):
        assert name == row['id']
        found = replay(recipe, source).label_map
        np.testing.assert_array_equal(found, read(out / row['files']['labels']))
    classes = json.loads((out / 'classes.json').read_text())
    assert classes['classes'][2] == dict(id=2, name='bird', color=[99, 0, 0])
    captions = rows_of(out / 'colors' / 'metadata.jsonl')
    assert [(c['file_name'], c['text']) for c in captions] == [
        (f'{row["id"]}.png', row['prompt']) for row in rows
    ]


def test_instance_maps_are_written_where_there_are_some(generated, tmp_path, out):
    for index in range(8):
        labels = read(tmp_path / 'ann' / f'{index}.png')
        instances = np.where(labels == 2, 40_000 + index, 0).astype(np.uint16)
        instances[:, 16:] *= labels[:, 16:] == 2
        (tmp_path / 'inst').mkdir(exist_ok=True)
        assert cv2.imwrite(str(tmp_path / 'inst' / f'{index}.png'), instances)
    config = dict(generated, instance_path=('/ann', '/inst'))
    export_plan(config, str(out))
    dataset = dataset_of(config)
    plan, recomposer = dataset.plan()
    for row, recipe in zip(rows_of(out / 'plan.jsonl')[1:], plan):
        made = recomposer.recompose(recipe, dataset.label_source())
        found = read(out / row['files']['instances'])
        np.testing.assert_array_equal(found, made.instance_map)


def test_a_second_run_makes_what_lacks_alone(generated, out):
    export_plan(generated, str(out))
    before = contents_of(out)
    lost = sorted(out.glob('mask/*.png'))[3]
    lost.unlink()
    export_plan(generated, str(out))
    after = contents_of(out)
    assert {k: v[0] for k, v in before.items()} == {k: v[0] for k, v in after.items()}
    again = [path for path in before if before[path][1] != after[path][1]]
    images = [path for path in again if path.suffix == '.png']
    assert {path.stem for path in images} == {lost.stem}


def test_a_killed_run_ends_with_the_same_files(generated, out, tmp_path, monkeypatch):
    export_plan(generated, str(tmp_path / 'undisturbed'))
    write, left = planned_files.write_atomically, [17]

    def dying(path, content):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return write(path, content)

    monkeypatch.setattr(planned_files, 'write_atomically', dying)
    with pytest.raises(KeyboardInterrupt):
        export_plan(generated, str(out))
    assert not (out / 'plan.jsonl').exists()
    monkeypatch.undo()
    export_plan(generated, str(out))
    found, wanted = contents_of(out), contents_of(tmp_path / 'undisturbed')
    for path in wanted:
        if path.name != 'ganaug.json':  # lists the same files in another order
            assert found[path][0] == wanted[path][0], path


def test_other_photos_colours_and_plans_are_not_mixed(generated, tmp_path, out):
    export_plan(generated, str(out))
    (out / 'labels' / 'mine.txt').write_text('mine')
    photo = np.full((24, 32, 3), 77, np.uint8)
    assert cv2.imwrite(str(tmp_path / 'img' / '0.png'), photo)
    export_plan(generated, str(out))
    dataset = dataset_of(generated)
    plan, recomposer = dataset.plan()
    for row, recipe in zip(rows_of(out / 'plan.jsonl')[1:], plan):
        made = recomposer.recompose(
            recipe, dataset.label_source(), with_photo=True, match_tone=True
        )
        np.testing.assert_array_equal(read(out / row['files']['context']), made.photo)
    export_plan(dict(generated, seed=1), str(out))
    ids = {row['id'] for row in rows_of(out / 'plan.jsonl')[1:]}
    for kind in KINDS:
        assert {path.stem for path in (out / kind).glob('*.png')} == ids
    assert (out / 'labels' / 'mine.txt').read_text() == 'mine'


def test_damaged_files_are_made_again(generated, out):
    export_plan(generated, str(out), real=True)
    before = contents_of(out)
    images = [path for path in before if path.suffix == '.png']
    for path in images[::3]:
        (out / path).write_bytes(before[path][0][:60])
    export_plan(generated, str(out), real=True)
    after = contents_of(out)
    assert {path: after[path][0] for path in images} == {
        path: before[path][0] for path in images
    }


@pytest.mark.parametrize('content', ['', '{"contents": 1', '[]', '"x"', '{}'])
def test_a_damaged_list_of_classes_is_written_again_and_kept(generated, out, content):
    export_plan(generated, str(out))
    before = (out / 'classes.json').read_bytes()
    (out / 'classes.json').write_text(content)
    export_plan(generated, str(out))
    assert (out / 'classes.json').read_bytes() == before
    (kept,) = out.glob('classes.json.before-*')
    assert kept.read_text() == content


def test_what_a_run_does_not_write_is_left(generated, out):
    export_plan(generated, str(out))
    before = contents_of(out / 'context')
    export_plan(generated, str(out), with_context=False)
    assert contents_of(out / 'context') == before


@pytest.mark.parametrize('with_context', [True, False])
def test_real_pairs_follow_their_photos_and_label_maps(
    generated, out, tmp_path, with_context
):
    options = dict(real=True, with_context=with_context)
    export_plan(generated, str(out), **options)
    for changed in ('img', 'ann'):
        path = tmp_path / changed / '0.png'
        assert cv2.imwrite(str(path), np.flip(read(path), 0))
        export_plan(generated, str(out), with_context=with_context)
        export_plan(generated, str(out), **options)
        photo, colours = (
            read(out / f'real/{kind}/000000.png') for kind in ('images', 'conditioning')
        )
        np.testing.assert_array_equal(photo, read(tmp_path / 'img/0.png'))
        labels = read(tmp_path / 'ann/0.png')
        for class_id, colour in enumerate(PALETTE):
            assert (colours[..., ::-1][labels == class_id] == colour).all()


def test_files_of_the_user_are_not_touched(generated, out):
    (out / 'labels').mkdir(parents=True)
    (out / 'labels' / '000001.png').write_text('mine')
    with pytest.raises(InTheWayError, match='OUT'):
        export_plan(generated, str(out))
    assert [path.name for path in out.rglob('*')] == ['labels', '000001.png']


def test_missing_is_what_the_store_lacks(generated, out):
    export_plan(generated, str(out), missing=True)
    assert rows_of(out / 'plan.jsonl')[0]['samples'] == 10
    dataset = dataset_of(generated)
    _, store = dataset.generate()
    for index in (2, 7):
        os.remove(store.photo_path(index))
    export_plan(generated, str(out), missing=True)
    header, *rows = rows_of(out / 'plan.jsonl')
    assert (header['samples'], header['planned']) == (2, 10)
    assert [row['number'] for row in rows] == [2, 7]


def test_missing_is_what_the_painted_folder_lacks(generated, out, tmp_path):
    export_plan(generated, str(out))
    painted = tmp_path / 'painted'
    generated['generator'] = dict(type='PaintedFolder', folder=str(painted))

    def missing():
        export_plan(generated, str(out), missing=True)
        return [row['number'] for row in rows_of(out / 'plan.jsonl')[1:]]

    assert missing() == list(range(10))
    shutil.copytree(out / 'colors', painted)
    lost = sorted(painted.glob('*.png'))
    lost[4].unlink()
    assert missing() == [4]
    for path in lost[:4]:
        path.unlink()
    assert missing() == [0, 1, 2, 3, 4]


def test_real_pairs_are_written_to_train_a_painter(generated, out, tmp_path):
    paths = export_plan(generated, str(out), real=True)
    assert paths[1] == str(out / 'real' / 'metadata.jsonl')
    rows = rows_of(out / 'real' / 'metadata.jsonl')
    assert len(rows) == 8
    for number, row in enumerate(rows):
        photo = read(out / 'real' / row['file_name'])
        np.testing.assert_array_equal(photo, read(tmp_path / f'img/{number}.png'))
        labels = read(tmp_path / f'ann/{number}.png')
        assert row['conditioning'] == row['conditioning_image_file_name']
        colours = read(out / 'real' / row['conditioning'])[..., ::-1]
        for class_id, colour in enumerate(PALETTE):
            assert (colours[labels == class_id] == colour).all()
        assert row['text'].startswith('a photo of ')


def test_the_imagefolder_of_datasets_loads_both(generated, out, tmp_path):
    # By this name, for the folder of these tests is called datasets, too.
    loading = pytest.importorskip('datasets.load', exc_type=ImportError)
    export_plan(generated, str(out), real=True)
    options = dict(split='train', cache_dir=str(tmp_path / 'hub'))
    pairs, planned = (
        loading.load_dataset('imagefolder', data_dir=str(out / name), **options)
        for name in ('real', 'colors')
    )
    assert len(pairs) == 8 and len(planned) == 10
    assert {'image', 'conditioning_image', 'text'} <= set(pairs.features)
    np.testing.assert_array_equal(
        np.asarray(pairs[0]['conditioning_image'])[..., ::-1],
        read(out / 'real' / pairs[0]['conditioning']),
    )
    ids = {row['id'] for row in rows_of(out / 'plan.jsonl')[1:]}
    assert set(planned['id']) == ids


def test_label_maps_alone_need_no_photos(generated, out):
    generated['source']['data_prefix'] = dict(img_path='ann', seg_map_path='ann')
    with pytest.raises(FileNotFoundError, match='photos are missing'):
        export_plan(generated, str(out))
    export_plan(generated, str(out), with_context=False)
    assert {path.name for path in out.iterdir() if path.is_dir()} == {
        'labels',
        'colors',
    }


def test_auto_masks_only_what_the_generator_paints(generated, out):
    generated['composite'] = dict(mode='auto', painted=['cup'])
    export_plan(generated, str(out))
    for row in rows_of(out / 'plan.jsonl')[1:]:
        labels, mask = (read(out / row['files'][kind]) for kind in ('labels', 'mask'))
        assert not mask[labels == 2].any()


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda text: text.replace('painting_plan', 'plan'), 'not a .*painting_plan'),
        (lambda text: text.replace('"version": 1', '"version": 9'), 'of version 1'),
        (lambda text: text[: text[:-1].rindex('\n') + 1], '9 of 10 samples'),
        (lambda text: text.replace('"classes"', '"klasses"'), 'klasses'),
        (lambda text: text[:-5], 'cannot be read'),
    ],
)
def test_a_plan_that_is_none_is_an_error_that_names_it(generated, out, change, message):
    export_plan(generated, str(out), with_context=False)
    path = out / 'plan.jsonl'
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=message) as caught:
        read_planned(path)
    assert str(path) in str(caught.value)


def test_the_tool_finds_the_data_set_of_a_config(generated, out, tmp_path, capsys):
    def write(*datasets):
        path = tmp_path / 'config.py'
        joined = dict(type='ConcatDataset', datasets=list(datasets))
        path.write_text(f'train_dataloader = dict(dataset={joined!r})\n')
        return str(path)

    options = ['--template', 'look, {classes}', '--no-context']
    main(['export-plan', write(generated), str(out), *options])
    assert capsys.readouterr().out == f'Written: {out / "plan.jsonl"}\n'
    assert rows_of(out / 'plan.jsonl')[1]['prompt'].startswith('look, ')
    with pytest.raises(ValueError, match='trains on no GANRecomposeDataset'):
        generated_dataset(write(generated['source']), None, None)
    (tmp_path / 'no_data.py').write_text('train_dataloader = None')
    with pytest.raises(ValueError, match=r'no_data\.py has no train_dataloader'):
        generated_dataset(str(tmp_path / 'no_data.py'), None, None)
    two = write(generated, dict(generated, seed=3))
    with pytest.raises(ValueError, match=r'2 generated data sets.*--generated 0 to 1'):
        generated_dataset(two, None, None)
    assert generated_dataset(two, dict(default_scope='mmseg'), 1)['seed'] == 3
