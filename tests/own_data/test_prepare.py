"""A data set of two folders: its configs build and run, and can be inherited."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope
from PIL import Image
from tiny_data import SCENE_COLOURS, make_scenes

from mmseg_ganaug.own_data.prepare import FolderData, choose_size
from mmseg_ganaug.ownership import InTheWayError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder to work in, with the data and a function that prepares the configs."""
    monkeypatch.chdir(tmp_path)

    def prepare(**options):
        data = FolderData('photos', 'masks', **{'work_dir': 'out', **options})
        return data, data.write_configs()

    return tmp_path, prepare


def build_dataset(path, which='train_dataloader'):
    from mmseg.registry import DATASETS

    import mmseg_ganaug.datasets  # noqa: F401

    cfg = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        return DATASETS.build(cfg[which].dataset)


def test_id_masks_are_used_in_place_with_the_names_of_the_list(project):
    folder, prepare = project
    make_scenes(folder)
    (folder / 'list.txt').write_text('ground\nsky\nbox\n')
    _, configs = prepare(classes='list.txt')
    cfg = Config.fromfile(configs['plain'])
    dataset = cfg.train_dataloader.dataset
    assert dataset.metainfo.classes == ['ground', 'sky', 'box']
    assert dataset.data_prefix == dict(img_path='photos', seg_map_path='masks')
    assert (dataset.img_suffix, dataset.seg_map_suffix) == ('.jpg', '_gt.png')
    assert not (folder / 'out' / 'label_maps').exists()
    assert not (folder / 'out' / 'classes.txt').exists()
    assert cfg.model.decode_head.num_classes == 3
    # 80 x 60 is smaller than what a CPU trains at: its aspect, in steps of 16.
    assert cfg.scale == (64, 48)
    train, val = (
        build_dataset(configs['plain']),
        build_dataset(configs['plain'], 'val_dataloader'),
    )
    assert (len(train), len(val)) == (6, 2)
    sample = train[0]
    # Resized at random, a photo may be smaller than the crop; the batch pads it.
    height, width = sample['inputs'].shape[1:]
    assert 36 <= height <= cfg.crop_size[0] == 48
    assert 48 <= width <= cfg.crop_size[1] == 64
    assert set(sample['data_samples'].gt_sem_seg.data.unique().tolist()) <= {
        0,
        1,
        2,
        255,
    }


def test_generator_and_mixed_configs_build_on_the_same_samples(project):
    folder, prepare = project
    make_scenes(folder, colours=SCENE_COLOURS)
    _, configs = prepare(generator_iters=40, segmenter_iters=30, ways=['recon'])
    generator = Config.fromfile(configs['generator'])
    pairs = build_dataset(configs['generator'])
    assert len(pairs) == 6
    assert generator.get('val_dataloader') is None
    assert generator.model.label_encoder.num_classes == 3
    assert generator.train_cfg.max_iters == 40
    assert (generator.param_scheduler.begin, generator.param_scheduler.end) == (30, 40)
    mixed = Config.fromfile(configs['recon'])
    assert mixed.train_cfg.max_iters == 30
    assert mixed.param_scheduler[-1].end == 30
    real, generated = mixed.train_dataloader.dataset.datasets
    assert generated.source == real
    assert real.data_prefix.seg_map_path == str(Path('out') / 'label_maps')
    from mmseg.registry import DATASETS

    with DefaultScope.overwrite_default_scope('mmseg'):
        plan, _ = DATASETS.build(dict(generated, lazy_init=True)).plan()
    assert len(plan) == 6


def test_class_weights_and_objects_are_what_is_written_by_default(project):
    folder, prepare = project
    make_scenes(folder, colours=SCENE_COLOURS)
    _, configs = prepare(segmenter_iters=30, seed=3)
    assert set(configs) == {'generator', 'plain', 'class-weights', 'objects'}
    weighted, cfg = (
        Config.fromfile(configs[way]) for way in ('class-weights', 'objects')
    )
    assert weighted.model == cfg.model
    assert (
        weighted.train_dataloader == Config.fromfile(configs['plain']).train_dataloader
    )
    real, generated = cfg.train_dataloader.dataset.datasets
    assert generated.source == real
    assert generated.seed == cfg.randomness.seed == 3
    assert cfg.train_cfg.max_iters == 30
    for head, weight in (('decode_head', 1.0), ('auxiliary_head', 0.4)):
        loss = cfg.model[head].loss_decode
        assert loss.type == 'mmseg_ganaug.ClassWeightedCrossEntropyLoss'
        assert loss.get('loss_weight', 1.0) == weight
    from mmseg.registry import DATASETS

    with DefaultScope.overwrite_default_scope('mmseg'):
        pairs = DATASETS.build(generated)
    assert len(pairs) == 4 * 6
    assert pairs[0]['inputs'].shape[0] == 3


def test_the_configs_can_be_inherited(project):
    folder, prepare = project
    make_scenes(folder)
    _, configs = prepare()
    longer = folder / 'longer.py'
    longer.write_text(
        f'_base_ = {str(configs["objects"])!r}\ntrain_cfg = dict(max_iters=7)\n'
    )
    cfg = Config.fromfile(longer)
    assert cfg.train_cfg.max_iters == 7
    assert len(cfg.train_dataloader.dataset.datasets) == 2


def test_corrected_classes_and_splits_are_kept(project, capsys):
    folder, prepare = project
    make_scenes(folder, colours=SCENE_COLOURS)
    prepare()
    printed = capsys.readouterr().out
    for text in ('rgb_200_0_0', '% of pixels', 'video', 'classes.txt'):
        assert text in printed
    written = folder / 'out' / 'classes.txt'
    written.write_text(written.read_text().replace('rgb_200_0_0', 'box'))
    (folder / 'out' / 'splits' / 'train.txt').write_text('0\n1\n2\n3\n')
    (folder / 'out' / 'splits' / 'val.txt').write_text('6\n7\n')
    _, configs = prepare()
    printed = ' '.join(capsys.readouterr().out.split())
    assert '2 photos are in neither' in printed
    cfg = Config.fromfile(configs['plain'])
    assert 'box' in cfg.classes
    assert len(build_dataset(configs['plain'], 'val_dataloader')) == 2
    (folder / 'out' / 'splits' / 'val.txt').write_text('3\n')
    with pytest.raises(ValueError, match=r'val\.txt lists .3., as .*train\.txt does'):
        prepare()
    (folder / 'out' / 'splits' / 'val.txt').write_text('99\n')
    with pytest.raises(ValueError, match="'99', which is no photo here"):
        prepare()


def test_empty_lines_and_marks_of_an_editor_make_no_samples(project):
    folder, prepare = project
    make_scenes(folder)
    _, configs = prepare()
    train = folder / 'out' / 'splits' / 'train.txt'
    edited = b'\xef\xbb\xbf0\r\n\r\n1\r\n2\r\n3\r\n\r\n'
    train.write_bytes(edited)
    (folder / 'out' / 'splits' / 'val.txt').write_text('6\n7\n')
    prepare()
    dataset = build_dataset(configs['plain'], 'train_dataloader')
    photos = [Path(dataset.get_data_info(i)['img_path']).stem for i in range(4)]
    assert (len(dataset), photos) == (4, ['0', '1', '2', '3'])
    assert train.read_bytes() == edited
    assert 'splits/val.txt' in configs['plain'].with_name('dataset.py').read_text()


def test_the_split_depends_on_the_seed_alone(project):
    folder, prepare = project
    make_scenes(folder, count=12)

    def split(seed):
        for path in folder.glob('out/splits/*'):
            path.unlink()
        prepare(seed=seed)
        return (folder / 'out' / 'splits' / 'val.txt').read_text()

    assert split(0) == split(0)
    assert len({split(seed) for seed in range(4)}) > 1


def test_photos_to_validate_on_may_have_a_folder_of_their_own(project):
    folder, prepare = project
    make_scenes(folder)
    (folder / 'more').mkdir()
    make_scenes(folder / 'more', count=2, colours=None, photo_ending='.png')
    _, configs = prepare(val_images='more/photos', val_masks='more/masks')
    assert len(build_dataset(configs['plain'])) == 8
    val = build_dataset(configs['plain'], 'val_dataloader')
    assert len(val) == 2
    assert val[0]['inputs'].shape[0] == 3


@pytest.mark.parametrize('name', ['', 'val'])
def test_photos_to_validate_on_are_not_trained_on(project, name):
    folder, _ = project
    for kind in ('photos', 'masks'):
        (folder / 'all' / kind).mkdir(parents=True)
    make_scenes(folder)
    for kind in ('photos', 'masks'):
        (folder / kind).rename(folder / 'all' / kind / 'val')
    part = dict(images='all/photos', masks='all/masks')
    with pytest.raises(ValueError, match=r'8 photos are both .*all/photos/val/0\.jpg'):
        FolderData(
            **part,
            val_images=f'all/photos/{name}',
            val_masks=f'all/masks/{name}',
            work_dir='out',
        ).write_configs()
    assert not (folder / 'out').exists()


@pytest.mark.parametrize('work_dir', ['photos/out', 'masks/out'])
def test_what_it_wrote_beside_the_photos_is_no_data(project, work_dir, capsys):
    folder, prepare = project
    make_scenes(folder, colours=SCENE_COLOURS)
    for _ in range(2):
        data, configs = prepare(work_dir=work_dir)
    assert f'{work_dir} is left out' in capsys.readouterr().out
    assert len(list((data.work.folder / 'label_maps').glob('*.png'))) == 8
    assert len(build_dataset(configs['plain'])) == 6


def test_photos_with_several_endings_are_found(project):
    folder, prepare = project
    make_scenes(folder)
    photos = folder / 'photos'
    Image.open(photos / '0.jpg').save(photos / '0.png')
    (photos / '0.jpg').unlink()
    _, configs = prepare()
    samples = (
        build_dataset(configs['plain']),
        build_dataset(configs['plain'], 'val_dataloader'),
    )
    paths = [part.get_data_info(i) for part in samples for i in range(len(part))]
    assert len(paths) == 8
    for info in paths:
        assert Path(info['img_path']).is_file()
        assert Path(info['seg_map_path']).is_file()


@pytest.mark.parametrize(
    ('options', 'word'),
    [
        (dict(val_images='photos'), '--val-masks'),
        (dict(val_share=0.0), '--val-share is 0.0'),
        (dict(size=(100, 64)), 'multiples of 16'),
        (dict(seed=-1), 'seed=-1'),
        (dict(segmenter_iters=0), 'segmenter_iters=0'),
        (dict(generator_iters=-5), 'generator_iters=-5'),
    ],
)
def test_options_out_of_range_are_named(project, options, word):
    make_scenes(project[0])
    with pytest.raises(ValueError, match=word):
        project[1](**options)
    assert not (project[0] / 'out').exists()


@pytest.mark.parametrize(
    ('photo', 'area', 'expected'),
    [
        ((480, 360), 144 * 192, (192, 144)),
        ((480, 360), 240 * 320, (320, 240)),
        ((2048, 1024), 144 * 192, (224, 112)),
        ((720, 1280), 144 * 192, (128, 224)),
        ((100, 60), 144 * 192, (80, 48)),
        ((20, 20), 144 * 192, (48, 48)),
    ],
)
def test_the_size_keeps_the_aspect_and_does_not_exceed_the_photos(
    photo, area, expected
):
    width, height = choose_size([photo], area)
    assert (width % 16, height % 16) == (0, 0)
    assert (width, height) == expected


CLASSES = ['{{$HOME:x}}', '$TOKEN <!-- {0} `|`', '\N{DOG FACE} 路 \\']


def test_names_of_classes_and_files_come_back_from_the_configs_as_they_are(
    project, monkeypatch, capsys
):
    folder, prepare = project
    monkeypatch.setenv('HOME', 'expanded')
    monkeypatch.setenv('TOKEN', 'expanded')
    make_scenes(folder)
    for kind, ending in (('photos', '.jpg'), ('masks', '_gt.png')):
        (folder / kind / f'7{ending}').rename(
            folder / kind / f'{{{{$HOME:x}}}}{ending}'
        )
    (folder / 'list.txt').write_text('\n'.join(CLASSES), encoding='utf-8')
    _, configs = prepare(classes='list.txt', work_dir='out {{$HOME:y}}')
    for config in configs.values():
        cfg = Config.fromfile(config)
        assert list(cfg.classes) == CLASSES
        assert cfg.work_dir.startswith('out {{$HOME:y}}')
    paths = [
        part.get_data_info(i)['img_path']
        for which in ('train_dataloader', 'val_dataloader')
        for part in [build_dataset(configs['plain'], which)]
        for i in range(len(part))
    ]
    assert len(paths) == 8
    assert 'photos/{{$HOME:x}}.jpg' in paths
    assert all(Path(path).is_file() for path in paths)
    printed = capsys.readouterr().out
    assert all(name in printed for name in CLASSES)
    assert 'expanded' not in printed


def checksums(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob('*')) if p.is_file()}


OWN = ['configs/dataset.py', 'configs/generator.py', 'masks.json', 'label_maps/a.png']


def test_files_of_the_user_are_all_named_and_nothing_is_begun(project, capsys):
    folder, prepare = project
    make_scenes(folder)
    for name in OWN:
        path = folder / 'out' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('mine')
    before = checksums(folder)
    with pytest.raises(InTheWayError) as raised:
        prepare()
    for name in (*OWN[:3], 'label_maps'):
        assert str(Path('out') / name) in str(raised.value)
    assert '--work-dir' in str(raised.value)
    assert checksums(folder) == before


def test_lists_that_the_user_edits_are_never_written(project):
    folder, prepare = project
    make_scenes(folder, colours=SCENE_COLOURS)
    prepare()
    lists = [folder / 'out' / n for n in ('classes.txt', 'splits/train.txt')]
    for path in lists:
        path.write_text(path.read_text() + '\n\n')
    before = [path.read_text() for path in lists]
    prepare()
    prepare(seed=3)
    assert [path.read_text() for path in lists] == before
    assert not list(folder.rglob('*.before-*'))


def test_an_edited_config_is_kept_beside(project, capsys):
    folder, prepare = project
    make_scenes(folder)
    _, configs = prepare()
    configs['plain'].write_text('mine = 1\n')
    prepare()
    (kept,) = (folder / 'out' / 'configs').glob('*.before-*')
    assert kept.read_text() == 'mine = 1\n'
    assert str(Path('out/configs') / kept.name) in capsys.readouterr().out


def test_a_linked_work_dir_and_linked_label_maps_are_used(project):
    folder, prepare = project
    make_scenes(folder, colours=SCENE_COLOURS)
    for name in ('disk', 'other disk'):
        (folder / name).mkdir()
    (folder / 'out').symlink_to('disk')
    (folder / 'disk' / 'label_maps').symlink_to(folder / 'other disk')
    prepare()
    assert len(list((folder / 'other disk').glob('*.png'))) == 8
    _, configs = prepare()
    assert len(build_dataset(configs['plain'])) == 6
    assert (folder / 'out').is_symlink()


@pytest.mark.parametrize(
    'convert',
    [
        lambda photo: cv2.imwrite(str(photo.with_suffix('.tif')),
                                  cv2.imread(str(photo)).astype(np.uint16) * 16),
        lambda photo: Image.open(photo).save(photo.with_suffix('.gif')),
        lambda photo: cv2.imwrite(str(photo.with_suffix('.tif')),
                                  np.dstack([cv2.imread(str(photo))] * 2)[..., :4]),
    ],
    ids=['12 bits', 'GIF', '4 bands'],
)  # fmt: skip
def test_no_photo_that_training_would_not_read_whole_passes(project, convert):
    folder, prepare = project
    make_scenes(folder)
    photo = folder / 'photos' / '5.jpg'
    convert(photo)
    photo.unlink()
    with pytest.raises(ValueError, match=r'photos/5\.(tif|gif) is a photo of format'):
        prepare()


def test_a_value_of_a_few_pixels_is_pointed_at(project, capsys):
    folder, prepare = project
    make_scenes(folder, count=12)
    mask = np.array(Image.open(folder / 'masks' / '3_gt.png'))
    mask[50, 60] = 200
    Image.fromarray(mask).save(folder / 'masks' / '3_gt.png')
    prepare()
    printed = ' '.join(capsys.readouterr().out.split())
    assert 'class_200 (1 pixel, in masks/3_gt.png)' in printed
