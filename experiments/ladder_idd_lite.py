# The ladder of IDD-Lite: one plan and one set of seeds, from plain training to more
# real photos, to see which rung loses how much. 25 photos of the pool, evaluated on
# drives of the training set (see splits.py).
_Arms = __import__('runpy').run_path('experiments/arms.py')['Arms']
protocol = 'idd-lite-ladder'
seeds = [0, 1, 2]
_arms = _Arms(
    config='experiments/segmenters/idd_lite.py',
    real=dict(
        type='BaseSegDataset',
        data_root='data',
        data_prefix=dict(
            img_path='idd_lite/images/train', seg_map_path='idd_lite/annotations/train'
        ),
        img_suffix='.jpg',
        seg_map_suffix='.png',
        metainfo=dict(
            classes=(
                *('drivable', 'non-drivable', 'living', 'vehicle', 'roadside', 'far'),
                'sky',
            )
        ),
        # Here, as in the runs that there are: the order counts in their fingerprint.
        ann_file='idd_lite_splits/train_25.txt',
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(
                type='RandomResize',
                scale=(320, 227),
                ratio_range=(0.75, 2.0),
                keep_ratio=True,
            ),
            dict(type='RandomCrop', crop_size=(128, 176), cat_max_ratio=0.75),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSegInputs'),
        ],
    ),
    lists='idd_lite_splits',
    photos=25,
    # The formula 'rare' of label_distribution.py, of all photos of the pool.
    class_weight=[1.0, 2.05, 2.78, 1.19, 1.0, 1.0, 1.0],
    # There is room here: at this point of longer trainings (headroom_idd_lite.py, seed
    # 0), four times the photos raise the mean of the two rare classes from 18.5 to
    # 25.2. With class weights, mIoU is 48.1 after 1,200 iterations, 48.5 after 2,400.
    iterations=1200,
)
_layers = dict(
    type='AddMulti',
    classes=['non-drivable', 'living'],
    target='sqrt',
    num_classes=2,
)
_objects = dict(
    type='AddMulti',
    classes=['living'],
    target='sqrt',
    # Of 25 maps, non-drivable would be taken for a thing, too.
    objects=dict(things=['living', 'vehicle']),
)
# python tools/train.py experiments/painter/idd_lite_25.py
_painter = dict(
    config='experiments/painter/idd_lite_25.py',
    checkpoint='work_dirs/idd_lite_25',
    repaint='changed',
)
# python tools/train.py experiments/harmonizer/idd_lite_25.py
_harmonizer = dict(
    type='HarmonizedPixels',
    config='experiments/harmonizer/idd_lite_25.py',
    checkpoint='work_dirs/idd_lite_25_harmonizer',
)
_faded = [(0.5, 0.5), (0.75, 0.0)]
_longer = _arms.paper('idd_lite_25_labels_longer')
methods = {
    'plain': _arms.plain(),
    'weights': _arms.weighted(),
    'weights-sampled': _arms.sampled(),
    # Whole class layers, as in the paper, of the two rare classes.
    'weights-layers': _arms.mixed(_layers),
    # Whole objects of the rare things, with what goes with them, where they fit.
    'weights-objects': _arms.mixed(_objects),
    # The donors' own light: the others are brought to the light of the base.
    'weights-objects-untoned': _arms.mixed(
        _objects, composite=dict(mode='real', match_tone=False)
    ),
    # Light multiplies: mean and spread make black clothes grey.
    'weights-objects-gain': _arms.mixed(
        _objects, composite=dict(mode='real', match_tone='gain')
    ),
    # The same, on maps whose unpaved ground has grown at its borders.
    'weights-objects-grown': _arms.mixed(
        dict(_objects, objects=dict(_objects['objects'], grow=['non-drivable'])),
    ),
    # The same pairs without the looks of the objects: the control for any painter.
    'weights-objects-blurred': _arms.mixed(_objects, dict(type='BlurredPixels')),
    # The objects are painted, by a painter of holes of the same 25 photos.
    'weights-objects-painted': _arms.mixed(_objects, _painter),
    # The objects are fitted in, by a harmonizer of the same 25 photos.
    'weights-objects-harmonized': _arms.mixed(
        _objects, _harmonizer, composite=dict(mode='real', match_tone=False)
    ),
    # The last quarter of the training sees real photos alone.
    'weights-objects-faded': _arms.mixed(_objects, fade=_faded),
    # The paper's three ways, by a painter of the same photos:
    # python tools/train.py experiments/painter/idd_lite_25_labels.py
    **_arms.paper('idd_lite_25_labels'),
    # The first of them by a painter that was trained ten times as long:
    # python tools/train.py experiments/painter/idd_lite_25_labels_longer.py
    'weights-add-single-longer': _longer['weights-add-single'],
    'weights-50': _arms.weighted(50),
    'weights-100': _arms.weighted(100),
    'plain-doubled': _arms.plain(2400),
    'weights-doubled': _arms.weighted(iterations=2400),
    'weights-objects-doubled': _arms.mixed(_objects, iterations=2400),
}
ladder = ['plain', 'weights', 'weights-objects', 'weights-100']
against = ['weights', 'weights-objects']
rare = ['non-drivable', 'living']
photos = {'weights': 25, 'weights-50': 50, 'weights-100': 100}
doubled = {
    'plain': 'plain-doubled',
    'weights': 'weights-doubled',
    'weights-objects': 'weights-objects-doubled',
}
