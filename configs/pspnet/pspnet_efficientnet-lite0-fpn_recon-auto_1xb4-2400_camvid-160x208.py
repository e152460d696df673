_base_ = './pspnet_efficientnet-lite0-fpn_recon_1xb4-2400_camvid-160x208.py'
real = _base_.real
generated = _base_.generated
# What the generator cannot paint keeps the pixels of its donors. The file is written by
# tools/analysis_tools/generator_fidelity.py.
generated.composite = dict(
    mode='auto',
    fidelity='work_dirs/pix2pixhd_enhancer-tiny_1xb1-4k_camvid-240x320/fidelity.json',
)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='ConcatDataset', datasets=[real, generated])
)
