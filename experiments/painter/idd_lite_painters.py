# Painters beside the painter of holes, for the windows of generator_fidelity.py.
_labels = dict(
    config='experiments/painter/idd_lite_labels.py',
    checkpoint='work_dirs/idd_lite_labels',
)
_looks = dict(
    config='experiments/painter/idd_lite_looks.py',
    checkpoint='work_dirs/idd_lite_looks',
    repaint='changed',
)
painters = {
    'match tone': dict(generator=dict(type='RealPixels'), composite='real'),
    'gain': dict(
        generator=dict(type='RealPixels'),
        composite=dict(mode='real', match_tone='gain'),
    ),
    'harmonised': dict(
        generator=dict(
            type='HarmonizedPixels',
            config='experiments/harmonizer/idd_lite_200.py',
            checkpoint='work_dirs/idd_lite_200',
        ),
        composite=dict(mode='real', match_tone=False),
    ),
    'labels alone': dict(generator=_labels),
    'look kept': dict(generator=dict(_looks, looks='kept')),
    'look drawn': dict(generator=dict(_looks, looks='drawn')),
}
