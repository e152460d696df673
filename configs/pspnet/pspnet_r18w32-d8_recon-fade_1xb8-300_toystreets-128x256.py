# Half of each batch is generated, and less and less of it in the last fifth.
_base_ = './pspnet_r18w32-d8_recon_1xb8-300_toystreets-128x256.py'
train_dataloader = dict(
    sampler=dict(
        _delete_=True,
        type='mmseg_ganaug.InfiniteRatioSampler',
        generated_fraction=0.5,
    )
)
custom_hooks = [
    dict(type='mmseg_ganaug.RatioScheduleHook', points=[(0.8, 0.5), (1.0, 0.0)]),
    dict(type='mmseg_ganaug.MixedSamplesHook', num_samples=8),
]
