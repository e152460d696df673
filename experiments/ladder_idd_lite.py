# The ladder of IDD-Lite: one plan and one set of seeds, from plain training to more
# real photos, to see which rung loses how much. 25 photos of the pool, evaluated on
# drives of the training set (see idd_lite_splits.py). No generator: what is pasted are
# real pixels.
protocol = 'idd-lite-ladder'
seeds = [0, 1, 2]
_crop = [
    dict(
        type='RandomResize', scale=(320, 227), ratio_range=(0.75, 2.0), keep_ratio=True
    ),
    dict(type='RandomCrop', crop_size=(128, 176), cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs'),
]
# There is room here: at this point of longer trainings (headroom_idd_lite.py, seed 0),
# four times the photos raise the mean of the two rare classes from 18.5 to 25.2.
_ITERATIONS = 2400
_real = dict(
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
    ann_file='idd_lite_splits/train_25.txt',
)
_weights = {
    'model.decode_head.loss_decode': dict(
        _delete_=True,
        type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
        # The formula 'rare' of label_distribution.py, of all photos of the pool.
        class_weight=[1.0, 2.05, 2.78, 1.19, 1.0, 1.0, 1.0],
    )
}


def _method(photos=25, **options):
    return dict(
        config='experiments/segmenters/idd_lite.py',
        cfg_options={
            'train_dataloader.dataset.ann_file': f'idd_lite_splits/train_{photos}.txt',
            'train_cfg': dict(max_iters=_ITERATIONS, val_interval=_ITERATIONS // 4),
            'param_scheduler.1.end': _ITERATIONS,
            **options,
        },
    )


def _pasted(prob=0.5, **recomposer):
    step = dict(
        type='mmseg_ganaug.RecomposeLabels',
        source=_real,
        recomposer=recomposer,
        cache_dir='data/ganaug/idd_lite_25',
        prob=prob,
        paste_pixels=True,
        num_recipes=800,
    )
    pipeline = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations'), step]
    return {'train_dataloader.dataset.pipeline': [*pipeline, *_crop], **_weights}


methods = {
    'plain': _method(),
    'weights': _method(**_weights),
    'weights-100': _method(100, **_weights),
    # Whole class layers, as in the paper, of the two rare classes.
    'weights-pasted-layers': _method(
        **_pasted(
            type='AddMulti',
            classes=['non-drivable', 'living'],
            target='sqrt',
            num_classes=2,
        )
    ),
    # Whole objects of the rare things, with what goes with them, where they fit.
    'weights-pasted-objects': _method(
        **_pasted(
            type='AddMulti',
            classes=['living'],
            target='sqrt',
            # Of 25 maps, non-drivable would be taken for a thing, too.
            objects=dict(things=['living', 'vehicle']),
        )
    ),
}
ladder = [
    *('plain', 'weights', 'weights-pasted-layers', 'weights-pasted-objects'),
    'weights-100',
]
against = ['weights']
rare = ['non-drivable', 'living']
