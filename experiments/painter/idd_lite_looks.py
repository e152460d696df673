# The painter of holes with features of objects: shapes in other looks.
_base_ = './idd_lite.py'
model = dict(encoder=dict(type='Pix2PixHDEncoder'))
optim_wrapper = dict(
    generators=dict(modules=['generators', 'encoder']),
    discriminators=dict(modules='discriminators'),
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='mmseg_ganaug.FeatureClusterHook', interval=600, num_samples=200),
]
