# Does more data help at all? PSPNet with class weights on 25 to 400 photos of IDD-Lite,
# evaluated on drives of the training set. A race between treatments is worth running
# where four times the photos raise the mean of the two rare classes by three points.
protocol = 'idd-lite-headroom'
seeds = [0, 1, 2]
_config = 'experiments/segmenters/idd_lite.py'
_weights = {
    'model.decode_head.loss_decode': dict(
        _delete_=True,
        type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
        # The formula 'rare' of label_distribution.py, of all photos of the pool.
        class_weight=[1.0, 2.05, 2.78, 1.19, 1.0, 1.0, 1.0],
    )
}


def _method(photos, max_iters, options):
    return dict(
        config=_config,
        cfg_options={
            'train_dataloader.dataset.ann_file': f'idd_lite_splits/train_{photos}.txt',
            'train_cfg.max_iters': max_iters,
            'param_scheduler.1.end': max_iters,
            **options,
        },
    )


methods = dict(
    plain=_method(50, 4800, {}),
    **{
        f'weights-{photos}-{max_iters}': _method(photos, max_iters, _weights)
        for max_iters in (2400, 4800, 9600)
        for photos in (25, 50, 100, 200, 400)
    },
)
rare = ['non-drivable', 'living']
photos = {f'weights-{photos}-9600': photos for photos in (25, 50, 100, 200, 400)}
doubled = {
    f'weights-{photos}-{max_iters}': f'weights-{photos}-{2 * max_iters}'
    for max_iters in (2400, 4800)
    for photos in (25, 50, 100, 200, 400)
}
