# The ladder of CamVid: 34 frames (every eighth) of two drives, evaluated on another
# drive. Nothing was chosen here: the recipe is the recommended one.
_Arms = __import__('runpy').run_path('experiments/arms.py')['Arms']
protocol = 'camvid-ladder'
seeds = [0, 1, 2]
_arms = _Arms(
    config='experiments/segmenters/camvid.py',
    real=dict(
        type='mmseg_ganaug.CamVidDataset',
        data_root='data',
        data_prefix=dict(
            img_path='camvid/images/train', seg_map_path='camvid/annotations/train'
        ),
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAnnotations'),
            dict(
                type='RandomResize',
                scale=(320, 240),
                ratio_range=(0.75, 2.0),
                keep_ratio=True,
            ),
            dict(
                type='RandomCrop',
                crop_size=(128, 176),
                cat_max_ratio=0.75,
                ignore_index=11,
            ),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PhotoMetricDistortion'),
            dict(type='PackSegInputs'),
        ],
    ),
    lists='camvid_splits',
    photos=34,
    # The formula 'rare' of label_distribution.py, of all frames.
    class_weight=[1.0, 1.0, 2.35, 1.0, 1.0, 1.0, 2.31, 1.43, 1.0, 2.56, 3.14],
    # After 1,200, class weights have not learned poles yet (39.3 mIoU, seed 0).
    iterations=2400,
)
_objects = dict(type='AddMulti', classes='rare', target='sqrt', objects=dict())
# Light multiplies: mean and spread make black clothes grey.
_gain = dict(composite=dict(mode='real', match_tone='gain'))
# The dose: many more objects on each map.
_many = dict(_objects, objects=dict(num_objects=(8, 16)))
# python tools/train.py experiments/painter/camvid_34.py
_painter = dict(
    config='experiments/painter/camvid_34.py',
    checkpoint='work_dirs/camvid_34',
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
    # The objects are painted, by a painter of holes of the same frames.
    'weights-objects-painted': _arms.mixed(_objects, _painter),
    # The paper's three ways, by a painter of the same photos:
    # python tools/train.py experiments/painter/camvid_34_labels.py
    **_arms.paper('camvid_34_labels'),
    'weights-67': _arms.weighted(67),
    'weights-266': _arms.weighted('all'),
    'plain-1200': _arms.plain(1200),
    'weights-1200': _arms.weighted(iterations=1200),
    'plain-doubled': _arms.plain(4800),
    'weights-doubled': _arms.weighted(iterations=4800),
}
ladder = ['plain', 'weights', 'weights-objects-gain', 'weights-266']
against = ['weights', 'weights-objects-gain']
rare = ['pole', 'signsymbol', 'fence', 'pedestrian', 'bicyclist']
photos = {'weights': 34, 'weights-67': 67, 'weights-266': 266}
doubled = {
    'plain-1200': 'plain',
    'weights-1200': 'weights',
    'plain': 'plain-doubled',
    'weights': 'weights-doubled',
}
