_base_ = '../pspnet/pspnet_efficientnet-lite0-fpn_1xb4-2400_camvid-160x208.py'
# A sixteenth of the pixels of a batch is kept at least.
model = dict(
    decode_head=dict(
        sampler=dict(type='OHEMPixelSampler', thresh=0.7, min_kept=160 * 208 // 16)
    )
)
