# Whole objects of the rare classes, pasted where they fit, for any data set, and the
# class weights that come first (docs/recombination.md).
object_pairs = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    recomposer=dict(type='AddMulti', classes='rare', target='sqrt', objects=dict()),
    # Real pixels: no generator is needed.
    generator=None,
    ratio=4.0,
)
object_sampler = dict(type='mmseg_ganaug.InfiniteRatioSampler', generated_fraction=0.5)
rare_class_loss = dict(
    type='mmseg_ganaug.ClassWeightedCrossEntropyLoss', class_weight='rare'
)
