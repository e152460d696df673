"""Options of all classes that a config can name are checked when they are built."""

import inspect
import math

import numpy as np
import pytest
from mmengine.registry import DefaultScope
from torch.utils.data import ConcatDataset, Dataset

from mmseg_ganaug import registry

REGISTRIES = [
    value for value in vars(registry).values() if isinstance(value, registry.Registry)
]

NO_NUMBER = ['1', '0.5', None, True, math.nan, math.inf, [1]]
POSITIVE = [*NO_NUMBER, 0, -1]
NOT_NEGATIVE = [*NO_NUMBER, -1, -0.5]
SHARE = [*NOT_NEGATIVE, 1.5, 50]
WHOLE = [*NOT_NEGATIVE, 1.5, 2.0, np.float64(2)]
WHOLE_POSITIVE = [*WHOLE, 0]
FROM_TWO = [*WHOLE_POSITIVE, 1]
FLAG = [0, 1, 'True', None, [True]]
TEXT = ['', ' ', None, 3, ['a']]
CHOICE = [*TEXT, 'none of them']
MAPPING = ['a', 3, True, [1], [('a', 1)]]
CONFIG = [*MAPPING, {}]
SIZE = [4, '4', None, (4,), (4, 5, 6), (0, 4), (4.0, 4), (-1, 4), ('4', '4'), 'ab']
RANGE = [1, None, (1,), (1, 2, 3), (2, 1), (math.nan, 1), ('1', '2'), (-1, 1), 'ab']
CLASSES = ['road', 3, [], ['a', 'a'], [-1], [255], [1.5], [True], [None], {'a': 1}]
SEED = [-1, 1.5, '3', True, math.nan, 2**32]
IGNORE_INDEX = [-100, -1, 256, '255', 255.0, True, math.nan, [255]]
NUM_CLASSES = [0, -1, 256, 300, '3', 3.0, True, math.nan]


def but_none(values):
    """Returns the same bad values, for an option that may be None."""
    return [value for value in values if value is not None]


CHANNELS = [*WHOLE_POSITIVE, 10**6]
DEPTH = [*WHOLE_POSITIVE, 50]
INIT_CFG = dict(
    #: MMEngine's; checked by it when weights are drawn.
    init_cfg='MMEngine'
)
NETWORK = dict(
    in_channels=CHANNELS,
    out_channels=CHANNELS,
    base_channels=CHANNELS,
    num_downsamples=DEPTH,
    **INIT_CFG,
)
WAY = dict(
    classes=CLASSES,
    weighting=[
        'iou',
        3,
        [],
        {},
        dict(type='none'),
        dict(type=3),
        dict(type='explicit'),
        dict(type='explicit', weights=[]),
        dict(type='explicit', weights=[0, 0]),
        dict(type='explicit', weights=[-1, 1]),
        dict(type='explicit', weights=dict(car=math.nan)),
        dict(type='explicit', weights=[1], temperature=1),
        dict(type='inverse_frequency', temperature=0),
        dict(type='inverse_frequency', temperature='1'),
        dict(type='inverse_frequency', temperature=1e-300),
        dict(type='iou', iou=[50, 60]),
        dict(type='iou', iou=['0.5']),
        dict(type='iou', iou=[0.5], temperature=math.inf),
    ],
    target=['even', '', 3, [], [-1, 2], [0, 0], dict(car='2'), dict(car=math.nan)],
    choices=WHOLE_POSITIVE,
    even_bases=FLAG,
    min_area=SHARE,
    min_plausibility=SHARE,
    flip_prob=SHARE,
    shift_range=[
        0.1,
        None,
        (0.1,),
        (0.1, 2),
        (-0.1, 0),
        (math.nan, 0),
        '00',
        [1, 0, 0],
    ],
    scale_range=[*RANGE, (0, 1), (1, 101)],
    resize_donors=FLAG,
    objects=[
        *MAPPING,
        dict(thing=['car']),
        dict(things='car'),
        dict(together=[['a']]),
        dict(num_objects=0),
        dict(num_objects=[2, 1]),
        dict(min_plausibility=2),
        dict(max_hidden='1'),
        dict(flip_prob=-1),
        dict(shift_range=0.1),
        dict(scale_range=[0, 1]),
        dict(max_tries=0),
    ],
)
ADD = dict(WAY, max_objects=WHOLE, max_hidden=SHARE, max_tries=WHOLE_POSITIVE)
SAMPLER = dict(
    generated_fraction=SHARE,
    generated=[1, '1', [], [2], [-1], [1, 1], [True], ['1'], [1.0]],
    shuffle=FLAG,
    seed=SEED,
    dataset='the runner',
)
SAMPLES = dict(interval=WHOLE_POSITIVE, num_samples=WHOLE_POSITIVE)
SEGMENTER = dict(config='a.py', checkpoint='a.pth')
SEGMENTER_BAD = [
    *CONFIG,
    None,
    dict(config='a.py'),
    dict(SEGMENTER, chekpoint='b.pth'),
    dict(SEGMENTER, config=3),
    dict(SEGMENTER, device='gpu0'),
    dict(SEGMENTER, device=0),
]
METRIC = dict(collect_device=CHOICE, prefix=but_none(TEXT))
SOURCE = dict(type='BaseSegDataset')
DATA = dict(
    #: Configs, which MMEngine builds.
    source='MMEngine',
    pipeline='MMEngine',
    dataset='MMEngine',
    transforms='MMEngine',
)
OWN_FOLDERS = dict(img_suffix=TEXT, seg_map_suffix=TEXT, ignore_index=IGNORE_INDEX)
PAIR = [3, 'ab', ('a',), ('a', 'b', 'c'), (1, 2), ('', 'b')]

#: For each class: arguments with which the rest is checked, and for each option bad
#: values, or who else checks it.
CASES = {
    'AddSingle': ({}, ADD),
    'AddMulti': ({}, dict(num_classes=[*FROM_TWO, (3, 2), (1, 2), (2,), '23'], **ADD)),
    'Recon': (
        {},
        dict(
            WAY,
            num_donors=FROM_TWO,
            order=['size', 3, None, [], ['a', 'a'], [1.5]],
            things=['car', 3, ['a', 'a'], [-1], [None]],
            background_share=SHARE,
            min_background=SHARE,
            fill=CHOICE,
        ),
    ),
    'RatioSampler': (dict(generated_fraction=0.5, generated=[1]), SAMPLER),
    'InfiniteRatioSampler': (dict(generated_fraction=0.5, generated=[1]), SAMPLER),
    'RandomClassCrop': (
        dict(crop_size=(4, 4)),
        dict(crop_size=SIZE, ignore_index=[*IGNORE_INDEX, None], prob=SHARE),
    ),
    'RatioScheduleHook': (
        {},
        dict(
            points=[
                0.5,
                '01',
                None,
                [0.5],
                [(0.5,)],
                [(0.5, 2)],
                [(-1, 0.5)],
                [('0', '1')],
                [(0.5, math.nan)],
                [(0.5, 0), (0.5, 1)],
                [(0.6, 0), (0.5, 1)],
            ],
            curve=CHOICE,
        ),
    ),
    'MixedSamplesHook': ({}, dict(num_samples=WHOLE)),
    'FeatureClusterHook': ({}, SAMPLES),
    'LabelToImageVisualizationHook': ({}, SAMPLES),
    'ClassWeightedCrossEntropyLoss': (
        dict(class_weight=[1.0, 2.0]),
        dict(
            class_weight=[
                None,
                3,
                [],
                [0, 0],
                [1, -1],
                [1, math.nan],
                [1, math.inf],
                ['1', '2'],
                [True, True],
                [[1, 2]],
                'weights.pkl',
                'weights.txt',
                'inverse-root',
            ],
            loss_weight=NOT_NEGATIVE,
            loss_name=TEXT,
            # Of weights by name alone.
            dataset=[*CONFIG, SOURCE],
            cache_dir=TEXT,
        ),
    ),
    'SoftmaxFocalLoss': (
        {},
        dict(gamma=NOT_NEGATIVE, loss_weight=NOT_NEGATIVE, loss_name=TEXT),
    ),
    'EfficientNetLite': (
        {},
        dict(
            out_indices=[3, '0', None, [], [5], [-1], [1, 1], [1.0], ['1']],
            output_stride=[*WHOLE, 4, 64, '32'],
            init_cfg=[*MAPPING, dict(type='Kaiming'), dict(type='Pretrained')],
        ),
    ),
    'GANSegDataPreProcessor': (
        dict(generator=dict(config='a.py', checkpoint='a.pth')),
        dict(
            generator=[*CONFIG, None, dict(config='a.py')],
            num_classes=NUM_CLASSES,
            ignore_index=[*IGNORE_INDEX, None],
            composite=[3, None, [], 'half', dict(mode='auto', painted=[])],
            photometric_distortion=[
                *MAPPING,
                dict(brightness=3),
                dict(hue_delta=-1),
                dict(brightness_delta='3'),
                dict(contrast_range=(2, 1)),
                dict(saturation_range=2),
            ],
        ),
    ),
    'Pix2PixHD': (
        dict(
            label_encoder=dict(num_classes=3),
            generator=dict(
                type='Pix2PixHDGlobalGenerator', base_channels=2, num_blocks=0
            ),
            discriminator=dict(type='Pix2PixHDMultiscaleDiscriminator'),
        ),
        dict(
            label_encoder=[
                *CONFIG,
                None,
                dict(num_classes=300),
                dict(num_classes=3, ignore_index=-100),
                dict(num_classes=3, edges=1),
                dict(num_classes=3, label_ids='012'),
                dict(num_classes=3, label_ids=[0, 1], num_label_ids=3),
                dict(num_classes=3, classes=3),
            ],
            generator=[*CONFIG, None],
            discriminator=CONFIG,
            segmentation_discriminator=CONFIG,
            encoder=CONFIG,
            num_clusters=WHOLE_POSITIVE,
            noise_channels=WHOLE,
            loss_config=[
                *MAPPING,
                dict(vgg_weight=1),
                dict(vgg_loss_weight=-1),
                dict(gan_loss_weight=math.nan),
                dict(gan_type='gan'),
                dict(feature_loss_weight='10'),
                dict(pixel_loss_weight=None),
                dict(class_balance=dict(power=2)),
                dict(class_balance=dict(max_weight=0)),
                dict(class_balance=3),
            ],
            label_warp=[
                *MAPPING,
                dict(prob=2),
                dict(max_shift=-1),
                dict(grid_size=1),
                dict(size=3),
            ],
            context=[
                *MAPPING,
                dict(size=1),
                dict(whole_iters=-1),
                dict(whole_prob=2),
                dict(ring='8'),
                dict(grow=1.5),
            ],
            pool_size=WHOLE,
            coarse_frozen_iters=WHOLE,
            #: MMagic's.
            data_preprocessor='MMagic',
            default_domain=CHOICE,
            reachable_domains=['photo', 3, None, [], [3], ['photo', 'photo']],
            related_domains=['photo', 3, None, [], [3], ['photo', 'photo']],
        ),
    ),
    'Pix2PixHDEncoder': (
        {},
        NETWORK,
    ),
    'Pix2PixHDGlobalGenerator': (
        dict(in_channels=3, base_channels=2, num_blocks=0),
        dict(NETWORK, num_blocks=WHOLE, norm=CHOICE, upsample=CHOICE),
    ),
    'Pix2PixHDLocalEnhancer': (
        dict(in_channels=3, base_channels=2, num_blocks=0),
        dict(
            NETWORK,
            num_blocks=WHOLE,
            num_enhancers=DEPTH,
            num_local_blocks=WHOLE,
            global_checkpoint=but_none(TEXT),
            norm=CHOICE,
            upsample=CHOICE,
        ),
    ),
    'Pix2PixHDMultiscaleDiscriminator': (
        dict(in_channels=6, base_channels=2),
        dict(
            in_channels=CHANNELS,
            base_channels=CHANNELS,
            num_layers=DEPTH,
            num_scales=DEPTH,
            use_spectral_norm=FLAG,
            **INIT_CFG,
        ),
    ),
    'Pix2PixHDSegmentationDiscriminator': (
        dict(num_classes=3, base_channels=2),
        dict(
            num_classes=[*NUM_CLASSES, None],
            in_channels=CHANNELS,
            base_channels=CHANNELS,
            num_downsamples=DEPTH,
            pretrained=but_none(TEXT),
            **INIT_CFG,
        ),
    ),
    'ClassIoUMetric': (
        {},
        dict(
            METRIC,
            ignore_index=[*IGNORE_INDEX, None],
            iou_metrics=['mIoU', 3, None, [], ['IoU'], ['mIoU', 'mIoU']],
            nan_to_num=but_none(NO_NUMBER),
            beta=POSITIVE,
            output_dir=but_none(TEXT),
            format_only=FLAG,
            keep_results=FLAG,
            photo_counts=but_none(TEXT),
        ),
    ),
    'GeneratorFidelityMetric': (
        None,
        dict(METRIC, segmenter=SEGMENTER_BAD, ignore_index=IGNORE_INDEX, domain=TEXT),
    ),
    'GeneratorFIDMetric': (
        None,
        dict(
            METRIC,
            inception_path=TEXT,
            domain=TEXT,
            device=['gpu0', '', 0, ['cpu']],
        ),
    ),
    'LossFilter': (
        dict(segmenter=SEGMENTER),
        dict(segmenter=SEGMENTER_BAD, factor=POSITIVE, num_real=WHOLE_POSITIVE),
    ),
    'IgnoredShareFilter': ({}, dict(max_ignored=SHARE)),
    'IgnoredClassesFilter': (
        dict(classes=['a']),
        dict(classes=['a', 3, None, [], [3], ['a', 'a'], ['']]),
    ),
    'MMagicGenerator': (
        dict(
            config='configs/pix2pixhd/pix2pixhd_global_1xb1-100k_camvid-360x480.py',
            checkpoint='a.pth',
        ),
        dict(
            config=TEXT,
            checkpoint=TEXT,
            device=['gpu0', '', 0, ['cpu']],
            precision=CHOICE,
            channels_last=FLAG,
            compile=FLAG,
            tile=but_none(SIZE),
            overlap=WHOLE,
            repaint=CHOICE,
            looks=CHOICE,
        ),
    ),
    'CallableGenerator': (
        dict(function='my_project.paint:paint'),
        dict(
            function=[*TEXT, 'paint', ':paint', 'a:b c'],
            options=[*MAPPING, dict(level=np.zeros(3))],
            scale=but_none(SIZE),
            num_classes=NUM_CLASSES,
            ignore_index=[*IGNORE_INDEX, None],
            uses_instances=FLAG,
            uses_context=FLAG,
            needs_whole_map=FLAG,
            stride=WHOLE_POSITIVE,
        ),
    ),
    'DiffusersInpaint': (
        dict(model='a'),
        dict(
            model=TEXT,
            controlnet=but_none(TEXT),
            prompt=[*TEXT, '{class}', '{0}', '{', 'a {classes[0]}'],
            negative_prompt=but_none(TEXT),
            words=[*MAPPING, dict(car=3), dict(car='')],
            colours=[*MAPPING, dict(car=[1, 2]), dict(car=[1, 2, 256]), dict(car='a')],
            steps=WHOLE_POSITIVE,
            strength=[*SHARE, 0, 0.01],
            guidance_scale=NOT_NEGATIVE,
            control_scale=NOT_NEGATIVE,
            margin=WHOLE,
            size=but_none(WHOLE_POSITIVE),
            batch_size=WHOLE_POSITIVE,
            precision=CHOICE,
            variant=but_none(TEXT),
            device=['gpu0', '', 0, ['cpu']],
            cpu_offload=FLAG,
        ),
    ),
    'HarmonizedPixels': (
        dict(
            config='configs/harmonizer/harmonizer_small_1xb4-2k_camvid-240x320.py',
            checkpoint='a.pth',
        ),
        dict(config=TEXT, checkpoint=TEXT, device=['gpu0', '', 0, ['cpu']]),
    ),
    'Harmonizer': (
        dict(num_classes=3),
        dict(
            num_classes=[*NUM_CLASSES, None],
            ignore_index=[*IGNORE_INDEX, None],
            channels=[*CHANNELS, 1],
            num_blocks=DEPTH,
            rim=WHOLE_POSITIVE,
            ring=[*WHOLE_POSITIVE, 1],
            **INIT_CFG,
        ),
    ),
    'DamageObjects': (
        dict(crop_size=(4, 4)),
        dict(
            crop_size=SIZE,
            things=[3, 'ab', [-1], [255], [1.5], [True], [None]],
            max_objects=WHOLE_POSITIVE,
            min_area=SHARE,
            ignore_index=[*IGNORE_INDEX, None],
        ),
    ),
    'CamVidDataset': (None, OWN_FOLDERS),
    'ToyStreetsDataset': (None, OWN_FOLDERS),
    'ClassPresenceDataset': (None, dict(DATA, cache_dir=TEXT)),
    'RareClassSamplingDataset': (
        None,
        dict(
            DATA,
            cache_dir=TEXT,
            temperature=POSITIVE,
            min_area=SHARE,
            max_tries=WHOLE_POSITIVE,
        ),
    ),
    'GANRecomposeDataset': (
        None,
        dict(
            DATA,
            recomposer=[*CONFIG, None],
            generator=MAPPING,
            cache_dir=TEXT,
            num_samples=but_none(WHOLE_POSITIVE),
            ratio=but_none(POSITIVE),
            scale=but_none(SIZE),
            instance_path=PAIR,
            seed=SEED,
            batch_size=WHOLE_POSITIVE,
            num_workers=WHOLE,
            photo_suffix=CHOICE,
            composite=[3, True],
            filters=[3, 'LossFilter', None, [3], [{}]],
            max_redraws=WHOLE,
            photos_per_map=WHOLE_POSITIVE,
            **dict.fromkeys(
                ('lazy_init', 'test_mode', 'serialize_data', 'max_refetch', 'indices'),
                'MMEngine',
            ),
        ),
    ),
    'PaintedFolder': (
        dict(folder='painted'),
        dict(folder=TEXT, min_share=SHARE),
    ),
    'RealPixels': (dict(), dict()),
    'BlurredPixels': (dict(), dict(sigma=POSITIVE)),
    'LabelToImageDataset': (
        None,
        dict(
            DATA,
            scale=but_none(SIZE),
            interpolation=CHOICE,
            with_instances=FLAG,
            instance_path=PAIR,
            recomposer=CONFIG,
            holes=[
                *MAPPING,
                dict(size=1),
                dict(share=0.3),
                dict(share=(0.3, 0.1)),
                dict(own_prob=2),
                dict(rim=-1),
            ],
            verify=FLAG,
            lazy_init='MMEngine',
        ),
    ),
    'LoadGeneratedSample': (
        dict(num_classes=3),
        dict(
            num_classes=[*NUM_CLASSES, None],
            ignore_index=[*IGNORE_INDEX, None],
            dtype=CHOICE,
            bands=WHOLE,
        ),
    ),
    'LoadInstanceMap': ({}, dict(instance_path=PAIR, backend_args='MMEngine')),
    'PackLabelToImage': ({}, dict(meta_keys='MMEngine')),
    'RecomposeLabels': (
        None,
        dict(
            DATA,
            recomposer=[*CONFIG, None],
            cache_dir=TEXT,
            prob=SHARE,
            paste_pixels=FLAG,
            match_tone=FLAG,
            mark_changed=FLAG,
            retouch=[*CONFIG, dict(SEGMENTER), dict(type='BlurredPixels')],
            num_recipes=WHOLE_POSITIVE,
            scale=but_none(SIZE),
            instance_path=PAIR,
            seed=SEED,
            num_workers=WHOLE,
        ),
    ),
    'StyleTransfer': (None, dict(DATA, prob=SHARE)),
}
#: Arguments of the classes that read files when they are built.
NEEDED = dict(
    GeneratorFidelityMetric=dict(segmenter=SEGMENTER),
    GeneratorFIDMetric=dict(inception_path='no.pt'),
    CamVidDataset={},
    ToyStreetsDataset={},
    ClassPresenceDataset=dict(dataset=SOURCE, cache_dir='no'),
    RareClassSamplingDataset=dict(dataset=SOURCE, cache_dir='no'),
    GANRecomposeDataset=dict(
        source=SOURCE,
        recomposer=dict(type='AddMulti'),
        generator=SEGMENTER,
        cache_dir='no',
        num_samples=3,
    ),
    LabelToImageDataset=dict(source=SOURCE),
    RecomposeLabels=dict(
        source=SOURCE, recomposer=dict(type='AddMulti'), cache_dir='no'
    ),
    StyleTransfer=dict(source=SOURCE),
)


class Numbers(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return index


@pytest.fixture(scope='module')
def classes():
    """Every class of ours that a config can name."""
    found = {}
    for children in REGISTRIES:
        with DefaultScope.overwrite_default_scope('mmseg_ganaug'):
            children.import_from_location()
        found.update(children.module_dict)
    # Other tests register some of their own.
    return {
        name: made
        for name, made in found.items()
        if made.__module__.startswith('mmseg_ganaug.')
    }


def build(made, name, **options):
    good = CASES[name][0]
    arguments = dict(NEEDED[name] if good is None else good, **options)
    if 'Sampler' in name:
        arguments['dataset'] = ConcatDataset([Numbers(), Numbers()])
    if name == 'GANRecomposeDataset' and 'ratio' in options:
        del arguments['num_samples']
    return made[name](**arguments)


def names(option, value):
    """Lists the option, and those inside its value: one of them has to be named."""
    yield option
    if isinstance(value, dict):
        for inner, part in value.items():
            yield from names(inner, part)


def bad_values():
    for name, (_, options) in CASES.items():
        for option, values in options.items():
            if not isinstance(values, str):
                yield name, option


def test_no_registered_class_and_none_of_its_options_is_forgotten(classes):
    assert set(classes) == set(CASES)
    for name, made in classes.items():
        parameters = inspect.signature(made.__init__).parameters
        options = {
            option
            for option, parameter in parameters.items()
            if option != 'self' and parameter.kind is not parameter.VAR_KEYWORD
        }
        assert options <= set(CASES[name][1]), name


@pytest.mark.parametrize(
    'name', [name for name, (good, _) in CASES.items() if good is not None]
)
def test_good_options_are_taken(classes, name):
    assert build(classes, name) is not None


@pytest.mark.parametrize(('name', 'option'), list(bad_values()))
def test_a_bad_value_is_refused_when_built_and_the_option_named(classes, name, option):
    for value in CASES[name][1][option]:
        try:
            build(classes, name, **{option: value})
        except (ValueError, TypeError) as error:
            text = str(error)
            assert any(part in text for part in names(option, value)), (value, text)
        else:
            pytest.fail(f'{name} takes {option}={value!r}')


@pytest.mark.parametrize(
    ('name', 'options'),
    [
        ('AddSingle', dict(min_area=np.float32(0.1), choices=np.int64(3))),
        ('AddSingle', dict(shift_range=[0.1, 0], scale_range=np.array([0.5, 1.5]))),
        ('AddMulti', dict(num_classes=[2, 4], resize_donors=np.True_)),
        ('Recon', dict(things=[], order=('road', 1))),
        ('Recon', dict(weighting=dict(type='iou', iou=[0.5, math.nan, None]))),
        ('RatioSampler', dict(generated=(0,), seed=np.uint32(7))),
        ('RatioScheduleHook', dict(points=[[0.2, 0.5], [0.8, 0]])),
        ('RandomClassCrop', dict(crop_size=[4, 4])),
        ('ClassWeightedCrossEntropyLoss', dict(class_weight=np.array([0, 1.5]))),
        ('ClassWeightedCrossEntropyLoss', dict(class_weight='rare', dataset=SOURCE)),
        ('EfficientNetLite', dict(out_indices=[0, 4], output_stride=np.int64(16))),
    ],
)
def test_lists_and_scalars_of_numpy_are_taken(classes, name, options):
    assert build(classes, name, **options) is not None
