# Generated pairs of CamVid, four for a real one, by a generator of 240 x 320.
# Under two per cent of the pixels each. Of all classes, the planner would add pavement,
# too, over the road of other streets: a generator paints both in one grey.
rare_classes = ['pole', 'signsymbol', 'fence', 'pedestrian', 'bicyclist']
any_generated = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    generator=dict(
        config='configs/pix2pixhd/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-240x320.py',
        checkpoint='work_dirs/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-240x320',
    ),
    # Real pixels stay where the labels did not change, and as sharp as they are.
    composite='changed',
    scale=(480, 360),
    ratio=4.0,
    cache_dir='data/ganaug/camvid-240x320',
)
