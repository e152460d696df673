_base_ = './pix2pixhd_enhancer_1xb1-300k_cityscapes-1024x2048.py'
# The input of the official label2city_1024p generator: the 19 classes drive its 35 raw
# labelIds, ignored pixels are labelId 0. For its weights, turned into a checkpoint by
# ganaug convert-pix2pixhd.
label_ids = [7, 8, 11, 12, 13, 17, *range(19, 29), 31, 32, 33]
model = dict(
    label_encoder=dict(
        ignore_channel=False,
        label_ids=label_ids,
        num_label_ids=35,
        ignore_label_id=0,
    ),
    generator=dict(global_checkpoint=None),
    coarse_frozen_iters=0,
)
