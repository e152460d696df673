# The recommended recipe (docs/recombination.md), without a data set: class weights, and
# whole objects of the rare classes, pasted where they fit.
recommended_pairs = dict(
    type='mmseg_ganaug.GANRecomposeDataset',
    recomposer=dict(type='AddMulti', classes='rare', target='sqrt', objects=dict()),
    # Real pixels: no generator is needed.
    generator=None,
    ratio=4.0,
)
recommended_sampler = dict(
    type='mmseg_ganaug.InfiniteRatioSampler', generated_fraction=0.5
)
recommended_loss = dict(
    type='mmseg_ganaug.ClassWeightedCrossEntropyLoss', class_weight='rare'
)
