import copy

import pytest
from mmengine.config import Config

from mmseg_ganaug.bench.treatments import (
    TREATMENTS,
    TreatmentData,
    find_treatment,
    overlay,
    overlay_text,
    write_overlay,
)
from mmseg_ganaug.commands import main
from mmseg_ganaug.in_the_way import InTheWayError
from mmseg_ganaug.safe_configs import read_config

DATA = TreatmentData(generator=dict(config='g.py', checkpoint='work_dirs/g'))
ALL = [*TREATMENTS, 'class-weights-sqrt+real-pixels', 'larger-crops+focal+ohem']
CROSS_ENTROPY = dict(type='CrossEntropyLoss', loss_weight=0.4)
CONFIG = """\
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', reduce_zero_label=False),
    dict(type='RandomResize', scale=(64, 48), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=(32, 48), cat_max_ratio=0.75),
    dict(type='PackSegInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(64, 48), keep_ratio=True),
    dict(type='LoadAnnotations', reduce_zero_label=False),
    dict(type='PackSegInputs'),
]
model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(type='SegDataPreProcessor', size=(32, 48)),
    decode_head=dict(type='FCNHead', num_classes=3),
    auxiliary_head=[
        dict(type='FCNHead', num_classes=3, loss_decode=dict(
            type='CrossEntropyLoss', use_sigmoid=False, loss_weight=0.4)),
    ],
)
train_dataloader = dict(
    batch_size=2,
    sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='BaseSegDataset', data_root='data', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=1, dataset=dict(type='BaseSegDataset', pipeline=test_pipeline))
test_dataloader = val_dataloader
train_cfg = dict(type='IterBasedTrainLoop', max_iters=2)
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'own' / 'config.py'
    path.parent.mkdir()
    path.write_text(CONFIG)
    return path


@pytest.fixture
def cfg(config):
    return read_config(config)


def merged(name, cfg, data=DATA):
    before = cfg.to_dict()
    found = overlay(name, cfg, data)
    assert cfg.to_dict() == before
    cfg = copy.deepcopy(cfg)
    cfg.merge_from_dict(found)
    return cfg


@pytest.mark.parametrize('name', ALL)
def test_the_file_says_what_the_overlay_says_and_leaves_the_config_as_it_is(
    name, config, cfg, tmp_path
):
    out = write_overlay(config, name, tmp_path / 'x' / 'treated.py', DATA)
    assert read_config(out).to_dict() == merged(name, cfg).to_dict()
    assert config.read_text() == CONFIG
    assert "_base_ = '../own/config.py'" in out.read_text()
    # What the base says is named, not copied.
    if name not in ('larger-crops', 'larger-crops+focal+ohem'):
        assert 'RandomCrop' not in out.read_text()


def test_plain_changes_nothing(cfg):
    assert overlay('plain', cfg, DATA) == {}
    assert overlay_text('plain', cfg, DATA) == ''


@pytest.mark.parametrize(
    ('name', 'formula'),
    [
        ('class-weights-sqrt', 'inverse-sqrt'),
        ('class-weights-inverse', 'inverse'),
        ('class-weights-rare', 'rare'),
    ],
)
def test_class_weights_go_to_each_cross_entropy_and_leave_other_losses(
    cfg, name, formula
):
    dice = dict(type='DiceLoss', loss_weight=3.0)
    cfg.model.decode_head = [
        dict(type='FCNHead', loss_decode=[CROSS_ENTROPY, dice]),
        dict(type='OCRHead'),
    ]
    model = merged(name, cfg).model
    weighted = dict(
        type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
        class_weight=formula,
        cache_dir='data/ganaug',
    )
    first, second = model.decode_head
    assert first.loss_decode == [dict(weighted, loss_weight=0.4), dice]
    assert second.loss_decode == weighted
    assert model.auxiliary_head[0].loss_decode == dict(weighted, loss_weight=0.4)


@pytest.mark.parametrize(
    'head',
    [
        dict(type='FCNHead', loss_decode=dict(type='LovaszLoss')),
        dict(type='FCNHead', loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=1)),
        dict(type='MaskFormerHead', loss_cls=dict(type='mmdet.CrossEntropyLoss')),
    ],
)
@pytest.mark.parametrize('name', ['class-weights-sqrt', 'focal'])
def test_a_head_without_a_softmax_cross_entropy_is_refused(cfg, name, head):
    cfg.model.decode_head = head
    with pytest.raises(ValueError, match=f'treatment {name}: no decode head'):
        overlay(name, cfg, DATA)


@pytest.mark.parametrize('name', ['class-weights-sqrt', 'focal', 'ohem'])
def test_the_head_of_knet_is_treated_by_the_one_in_it(cfg, name):
    inner = cfg.model.decode_head.to_dict()
    knet = dict(type='IterativeDecodeHead', num_stages=0, kernel_update_head=[])
    plain = merged(name, cfg).model.decode_head
    cfg.model.decode_head = dict(knet, kernel_generate_head=inner)
    treated = merged(name, cfg).model.decode_head
    # Of its own, it takes neither losses nor a sampler.
    assert treated == dict(knet, kernel_generate_head=plain)


def test_hard_pixels_are_counted_in_the_larger_crops(cfg):
    plain = merged('ohem', cfg).model.decode_head.sampler
    assert plain == dict(type='OHEMPixelSampler', thresh=0.7, min_kept=32 * 48 // 16)
    larger = merged('ohem+larger-crops', cfg).model
    assert larger.data_preprocessor.size == (48, 80)
    assert larger.decode_head.sampler.min_kept == 48 * 80 // 16


def test_hard_pixels_are_counted_in_the_last_crop(cfg):
    del cfg.model.data_preprocessor['size']
    cfg.train_dataloader.dataset.pipeline.insert(
        3, dict(type='RandomCrop', crop_size=(48, 64))
    )
    assert merged('ohem', cfg).model.decode_head.sampler.min_kept == 32 * 48 // 16


@pytest.mark.parametrize(
    'head',
    [
        dict(sampler=dict(type='OHEMPixelSampler')),
        dict(loss_decode=[dict(type='OhemCrossEntropy')]),
    ],
)
def test_a_head_that_chooses_its_pixels_gets_no_second_sampler(cfg, head):
    cfg.model.decode_head.update(head)
    with pytest.raises(ValueError, match='ohem: FCNHead chooses its pixels already'):
        overlay('ohem', cfg, DATA)


@pytest.mark.parametrize(
    ('name', 'named'),
    [
        ('ohem', 'FCNHead has out_channels=1'),
        ('class-weights-sqrt', 'the losses are CrossEntropyLoss with use_sigmoid'),
    ],
)
def test_a_head_of_one_channel_is_refused_with_the_remedy(cfg, name, named):
    loss = dict(type='CrossEntropyLoss', use_sigmoid=True)
    cfg.model.decode_head.update(num_classes=2, out_channels=1, loss_decode=loss)
    with pytest.raises(ValueError, match=rf'{named}.* out_channels=2 and') as error:
        overlay(name, cfg, DATA)
    assert 'without use_sigmoid' in str(error.value)


def test_larger_crops_enlarge_photos_in_training_and_test_alike(cfg):
    cfg.model.test_cfg = dict(mode='slide', crop_size=(32, 48), stride=(16, 32))
    found = merged('larger-crops', cfg)
    train = found.train_dataloader.dataset.pipeline
    assert train[2].scale == (96, 80)
    assert train[3].crop_size == (48, 80)
    for loader in (found.val_dataloader, found.test_dataloader):
        assert loader.dataset.pipeline[1].scale == (96, 80)
    assert found.model.test_cfg == dict(
        mode='slide', crop_size=(48, 80), stride=(32, 48)
    )


def test_larger_crops_enlarge_the_longest_side_of_a_resize_too(cfg):
    shortest = dict(resize_type='ResizeShortestEdge', max_size=64)
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[2] = dict(type='RandomChoiceResize', scales=[32, 64], **shortest)
    pipeline[3] = dict(type='RandomResize', scale=(64, 48), **shortest)
    choice, scaled = merged('larger-crops', cfg).train_dataloader.dataset.pipeline[2:4]
    # Else the photos would stay as large as they were.
    assert (choice.scales, choice.max_size) == ([48, 96], 96)
    assert (scaled.scale, scaled.max_size) == ((96, 80), 96)


def test_larger_crops_are_padded_by_a_preprocessor_beside_the_model(cfg):
    cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    found = merged('larger-crops+ohem', cfg)
    assert found.data_preprocessor.size == (48, 80)
    assert found.model.decode_head.sampler.min_kept == 48 * 80 // 16


def test_without_a_size_there_is_nothing_to_enlarge(cfg):
    cfg.train_dataloader.dataset.pipeline = [dict(type='LoadImageFromFile')]
    with pytest.raises(ValueError, match=r'larger-crops: .*neither resizes nor crops'):
        overlay('larger-crops', cfg, DATA)


def test_rare_classes_are_drawn_from_the_data_set_as_it_stands(cfg):
    real = cfg.train_dataloader.dataset.to_dict()
    wrapped = dict(type='RepeatDataset', times=3, dataset=real)
    for dataset in (real, wrapped):
        cfg.train_dataloader.dataset = dataset
        assert merged('rare-class-sampling', cfg).train_dataloader.dataset == dict(
            type='mmseg_ganaug.RareClassSamplingDataset',
            cache_dir='data/ganaug',
            dataset=dataset,
        )


@pytest.mark.parametrize(
    ('loop', 'sampler'),
    [
        (dict(type='IterBasedTrainLoop', max_iters=2), 'InfiniteRatioSampler'),
        (dict(type='EpochBasedTrainLoop', max_epochs=2), 'RatioSampler'),
        (dict(by_epoch=True, max_epochs=2), 'RatioSampler'),
    ],
)
def test_generated_pairs_are_mixed_by_the_loop(cfg, loop, sampler):
    cfg.train_cfg = loop
    real = cfg.train_dataloader.dataset.to_dict()
    found = merged('real-pixels', cfg, TreatmentData('cache', seed=3, ratio=2.0))
    loader = found.train_dataloader
    assert loader.sampler.type == f'mmseg_ganaug.{sampler}'
    assert loader.sampler.generated_fraction == 0.5
    first, generated = loader.dataset.datasets
    assert first == real
    assert generated.source == real
    assert generated.generator is None
    assert (generated.cache_dir, generated.seed, generated.ratio) == ('cache', 3, 2)


def test_mosaic_mixes_real_and_generated_samples(cfg):
    cfg.train_dataloader.dataset = dict(
        type='MultiImageMixDataset',
        dataset=cfg.train_dataloader.dataset,
        pipeline=[dict(type='RandomMosaic', prob=0.5)],
    )
    dataset = merged('real-pixels', cfg).train_dataloader.dataset
    assert dataset.type == 'MultiImageMixDataset'
    assert dataset.dataset.type == 'ConcatDataset'
    with pytest.raises(ValueError, match='cannot be drawn by their classes'):
        overlay('rare-class-sampling', cfg, DATA)


@pytest.mark.parametrize('name', ['add-single', 'add-multi', 'recon'])
def test_painted_pairs_need_a_generator(cfg, name):
    assert TREATMENTS[name].needs == ('generator',)
    with pytest.raises(ValueError, match=f'treatment {name}: a trained generator'):
        overlay(name, cfg, TreatmentData())
    generated = merged(name, cfg).train_dataloader.dataset.datasets[1]
    assert generated.generator == DATA.generator
    assert generated.composite == 'changed'


def test_a_config_that_has_such_a_treatment_is_refused(cfg):
    for first in ('rare-class-sampling', 'real-pixels'):
        treated = merged(first, cfg)
        for second in ('rare-class-sampling', 'add-multi'):
            with pytest.raises(ValueError, match=f'{second}: the config trains on'):
                overlay(second, treated, DATA)


def test_a_sampler_of_the_user_is_not_replaced(cfg):
    cfg.train_dataloader.sampler = dict(type='MySampler')
    with pytest.raises(ValueError, match=r'real-pixels: .*MySampler'):
        overlay('real-pixels', cfg, DATA)


@pytest.mark.parametrize(
    ('name', 'named'),
    [
        ('class-weights-sqrt+focal', 'class-weights-sqrt and focal change the same'),
        ('real-pixels+recon', 'real-pixels and recon'),
        ('plain+ohem', 'combined with nothing'),
        ('weights', "no treatment 'weights'"),
    ],
)
def test_what_cannot_be_combined_is_named(name, named):
    with pytest.raises(ValueError, match=named):
        find_treatment(name)


def test_combinations_are_less_simple_than_their_parts():
    found = find_treatment('class-weights-sqrt+add-multi')
    assert found.simplicity > max(t.simplicity for t in TREATMENTS.values())
    assert found.needs == ('generator',)
    assert min(TREATMENTS.values(), key=lambda t: t.simplicity).name == 'plain'


def test_imports_of_the_config_are_kept(cfg):
    cfg.custom_imports = dict(imports=['mine'], allow_failed_imports=True)
    assert merged('focal', cfg).custom_imports == dict(
        imports=['mine', 'mmseg_ganaug'], allow_failed_imports=True
    )
    assert 'custom_imports' not in overlay('ohem', cfg, DATA)


def test_a_file_of_the_user_stays(config, tmp_path):
    out = tmp_path / 'mine.py'
    out.write_text('model = 3\n')
    with pytest.raises(InTheWayError, match=r'mine\.py'):
        write_overlay(config, 'ohem', out, DATA)
    assert out.read_text() == 'model = 3\n'
    out.unlink()
    for name in ('ohem', 'focal'):
        write_overlay(config, name, out, DATA)
    assert 'SoftmaxFocalLoss' in out.read_text()


@pytest.mark.parametrize('made', ['folder', 'bytes'])
def test_what_is_no_text_stays_too(config, tmp_path, made):
    out = tmp_path / 'mine.py'
    if made == 'folder':
        out.mkdir()
    else:
        out.write_bytes(b'\xf8\x00')
    with pytest.raises(InTheWayError, match=r'mine\.py\nChoose another file by --out'):
        write_overlay(config, 'ohem', out, DATA)


def test_what_is_written_can_be_read_as_a_config(config, tmp_path):
    with pytest.raises(ValueError, match=r'--out .*mine: .* ends with \.py'):
        write_overlay(config, 'ohem', tmp_path / 'mine', DATA)


def test_the_config_is_found_from_behind_a_link(config, cfg, tmp_path):
    (tmp_path / 'far' / 'away').mkdir(parents=True)
    link = tmp_path / 'own' / 'link'
    link.symlink_to(tmp_path / 'far' / 'away')
    out = write_overlay(config, 'ohem', link / 'o.py', DATA)
    assert read_config(out).to_dict() == merged('ohem', cfg).to_dict()
    beside = write_overlay(config, 'ohem', tmp_path / 'own' / 'o.py', DATA)
    assert "_base_ = './config.py'" in beside.read_text()


def test_a_config_of_the_package_is_treated_in_the_working_directory(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    name = 'pspnet_r18w32-d8_1xb8-300_toystreets-128x256'
    main(['apply', f'configs/pspnet/{name}.py', '--treatment', 'ohem'])
    assert [path.name for path in tmp_path.iterdir()] == [f'{name}_ohem.py']
    assert read_config(f'{name}_ohem.py').model.decode_head.sampler


def test_an_edited_config_is_kept_beside(config, capsys):
    out = config.with_name('config_ohem.py')
    apply = ['apply', str(config), '--treatment', 'ohem']
    main(apply)
    mine = f'{out.read_text()}optimizer = dict(lr=3)\n'
    out.write_text(mine)
    for _ in range(2):
        main(apply)
    (kept,) = config.parent.glob('config_ohem.py.before-*')
    assert kept.read_text() == mine
    assert capsys.readouterr().out.count(str(kept)) == 1
    assert 'optimizer' not in out.read_text()


@pytest.mark.parametrize(
    ('part', 'name'),
    [
        ('model', 'ohem'),
        ('train_dataloader', 'rare-class-sampling'),
        ('train_dataloader', 'real-pixels'),
    ],
)
def test_a_config_of_no_training_names_what_it_lacks(cfg, part, name):
    cfg.pop(part)
    with pytest.raises(ValueError, match=f'has no {part}'):
        overlay(name, cfg, DATA)


def test_settings_of_the_command_line_are_written(config, tmp_path):
    options = {'train_dataloader.batch_size': 5}
    out = write_overlay(config, 'ohem', tmp_path / 'o.py', DATA, options)
    found = read_config(out)
    assert found.train_dataloader.batch_size == 5
    assert found.model.decode_head.sampler.type == 'OHEMPixelSampler'


def test_a_pure_python_config_is_written_whole(tmp_path):
    config = tmp_path / 'lazy.py'
    config.write_text(
        f'from mmengine.hooks import EMAHook\n{CONFIG}'
        'custom_hooks = [dict(type=EMAHook)]\n'
    )
    out = write_overlay(config, 'focal', tmp_path / 'o.py', DATA)
    assert '_base_' not in out.read_text()
    found = read_config(out)
    assert found.model.decode_head.loss_decode.type == 'mmseg_ganaug.SoftmaxFocalLoss'
    assert found.custom_hooks[0].type.endswith('EMAHook')
    assert isinstance(found, Config)
