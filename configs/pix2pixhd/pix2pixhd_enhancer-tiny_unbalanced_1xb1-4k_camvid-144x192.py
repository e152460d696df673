_base_ = './pix2pixhd_enhancer-tiny_1xb1-4k_camvid-144x192.py'
# The same networks, iterations and cost, with all pixels alike: to compare with.
model = dict(
    loss_config=dict(class_balance=None, segmentation=dict(power=0.0)),
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(
                type='mmseg_ganaug.RandomClassCrop',
                crop_size={{_base_.crop_size}},
                ignore_index=11,
                prob=0.0,
            ),
            dict(type='RandomFlip', prob=0.5),
        ]
    )
)
