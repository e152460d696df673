# Nothing is stored: the workers recombine label maps, and the generator paints their
# photos within the training step, new ones in every epoch.
_base_ = './pspnet_r18w32-d8_1xb8-300_toystreets-128x256.py'
real = _base_.train_dataloader.dataset
source = {key: value for key, value in real.items() if key != 'pipeline'}
load, augment, pack = real.pipeline[:2], real.pipeline[2:-1], real.pipeline[-1]
recombined = dict(
    real,
    pipeline=[
        *load,
        dict(
            type='mmseg_ganaug.RecomposeLabels',
            source=source,
            recomposer=dict(
                type='Recon', things=['car', 'pole', 'traffic sign', 'person', 'rider']
            ),
            cache_dir='data/ganaug/toystreets-128x256',
            prob=1.0,
        ),
        *augment,
        # What the generator needs to know, among it the edges of the instances.
        dict(
            pack,
            meta_keys=('img_path', 'img_shape', 'recomposed', 'gt_instance_map'),
        ),
    ],
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, recombined]),
    sampler=dict(
        _delete_=True,
        type='mmseg_ganaug.InfiniteRatioSampler',
        generated_fraction=0.5,
        generated=[1],
    ),
)
generator = 'pix2pixhd_enhancer-tiny_1xb1-1500_toystreets-128x256'
model = dict(
    data_preprocessor=dict(
        type='mmseg_ganaug.GANSegDataPreProcessor',
        generator=dict(
            config=f'configs/pix2pixhd/{generator}.py',
            checkpoint=f'work_dirs/{generator}',
        ),
        num_classes=11,
        photometric_distortion=dict(),
    )
)
custom_hooks = [
    dict(type='mmseg_ganaug.RatioScheduleHook'),  # logs the fraction
    dict(type='mmseg_ganaug.MixedSamplesHook', num_samples=8),
]
