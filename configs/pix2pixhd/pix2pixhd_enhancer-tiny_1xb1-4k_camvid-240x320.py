_base_ = './pix2pixhd_enhancer-tiny_1xb1-4k_camvid-144x192.py'
scale = (320, 240)
train_dataloader = dict(
    dataset=dict(
        scale=scale,
        pipeline=[
            dict(
                type='mmseg_ganaug.RandomClassCrop',
                crop_size=(128, 176),
                ignore_index=11,
                prob=0.75,
            ),
            dict(type='RandomFlip', prob=0.5),
        ],
    )
)
