# The ladder of CMP facades: 25 photos of the pool, evaluated on photos of the training
# set (see splits.py). The recipe is the recommended one.
_Arms = __import__('runpy').run_path('experiments/arms.py')['Arms']
protocol = 'facades-ladder'
seeds = [0, 1, 2]
_arms = _Arms(
    config='experiments/segmenters/facades.py',
    real=dict(
        type='BaseSegDataset',
        data_root='data',
        data_prefix=dict(
            img_path='facades/images/train', seg_map_path='facades/annotations/train'
        ),
        img_suffix='.jpg',
        seg_map_suffix='.png',
        metainfo=dict(
            classes=(
                *('background', 'facade', 'window', 'door', 'cornice', 'sill'),
                *('balcony', 'blind', 'deco', 'molding', 'pillar', 'shop'),
            ),
        ),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(
                type='RandomResize',
                scale=(256, 256),
                ratio_range=(0.75, 1.5),
                keep_ratio=True,
            ),
            dict(type='RandomCrop', crop_size=(128, 128), cat_max_ratio=0.75),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSegInputs'),
        ],
    ),
    lists='facades_splits',
    photos=25,
    # The formula 'sqrt' of label_distribution.py, of all photos of the pool.
    class_weight=[
        *(0.46, 0.32, 0.57, 1.66, 1.03, 1.27, 0.86, 0.98, 1.24, 0.64, 1.11, 1.06)
    ],
    iterations=1200,
)
_objects = dict(type='AddMulti', classes='rare', target='sqrt', objects=dict())
# Light multiplies: mean and spread make black clothes grey.
_gain = dict(composite=dict(mode='real', match_tone='gain'))
# The dose: many more objects on each map.
_many = dict(_objects, objects=dict(num_objects=(8, 16)))
# python tools/train.py experiments/painter/facades_25.py
_painter = dict(
    config='experiments/painter/facades_25.py',
    checkpoint='work_dirs/facades_25',
    repaint='changed',
)
methods = {
    'plain': _arms.plain(),
    'weights': _arms.weighted(),
    'weights-sampled': _arms.sampled(),
    'weights-objects': _arms.mixed(_objects),
    'weights-objects-gain': _arms.mixed(_objects, **_gain),
    'weights-objects-many': _arms.mixed(_many),
    'weights-objects-many-gain': _arms.mixed(_many, **_gain),
    # The same pairs without the looks of the objects: the control for any painter.
    'weights-objects-blurred': _arms.mixed(_objects, dict(type='BlurredPixels')),
    # The objects are painted, by a painter of holes of the same photos.
    'weights-objects-painted': _arms.mixed(_objects, _painter),
    # The paper's three ways, by a painter of the same photos:
    # python tools/train.py experiments/painter/facades_25_labels.py
    **_arms.paper('facades_25_labels'),
    'weights-50': _arms.weighted(50),
    'weights-100': _arms.weighted(100),
    'plain-doubled': _arms.plain(2400),
    'weights-doubled': _arms.weighted(iterations=2400),
    'weights-objects-doubled': _arms.mixed(_objects, iterations=2400),
    # How they are mixed: a quarter of each batch; the last quarter of the training sees
    # real photos alone; their loss counts at the objects and around them alone.
    'weights-objects-quarter-doubled': _arms.mixed(
        _objects, iterations=2400, fraction=0.25
    ),
    'weights-objects-faded-doubled': _arms.mixed(
        _objects, iterations=2400, fade=[(0.5, 0.5), (0.75, 0.0)]
    ),
    'weights-objects-around-doubled': dict(
        _arms.mixed(
            _objects, iterations=2400, filters=[dict(type='OnlyChanged', margin=8)]
        ),
        config='experiments/segmenters/facades_around.py',
    ),
    # Doors of four times the photos are still rising after 1,200.
    'weights-100-doubled': _arms.weighted(100, 2400),
}
ladder = ['plain', 'weights', 'weights-objects-gain', 'weights-100']
against = ['weights', 'weights-objects-gain', 'weights-doubled']
rare = ['door', 'blind', 'pillar']
photos = {'weights': 25, 'weights-50': 50, 'weights-100': 100}
doubled = {
    'plain': 'plain-doubled',
    'weights': 'weights-doubled',
    'weights-objects': 'weights-objects-doubled',
    'weights-100': 'weights-100-doubled',
}
