"""Arms of a ladder, for the matrices of this folder (by ``runpy``)."""


class Arms:
    """Makes the methods of a matrix, over one data set, network and length.

    Args:
        config: Of the segmenter.
        real: Data set of the real photos, without ``ann_file``.
        lists: Folder of the lists of photos.
        photos: Number of photos that all arms but those of more photos have.
        class_weight: Of each class, of the arms that have weights.
        iterations: Of each training.
    """

    def __init__(self, config, real, lists, photos, class_weight, iterations):
        self.config, self.lists, self.iterations = config, lists, iterations
        self.real = dict(real, ann_file=f'{lists}/train_{photos}.txt')
        self.photos = photos
        self.cache_dir = f'data/ganaug/{lists.replace("_splits", "")}_{photos}'
        self.weights = {
            'model.decode_head.loss_decode': dict(
                _delete_=True,
                type='mmseg_ganaug.ClassWeightedCrossEntropyLoss',
                class_weight=class_weight,
            )
        }

    def _method(self, iterations, options):
        length = iterations or self.iterations
        return dict(
            config=self.config,
            cfg_options={
                'train_cfg': dict(max_iters=length, val_interval=length // 4),
                'param_scheduler.1.end': length,
                **options,
            },
        )

    def plain(self, iterations=None, **options):
        """Real photos alone."""
        ann_file = {'train_dataloader.dataset.ann_file': self.real['ann_file']}
        return self._method(iterations, {**ann_file, **options})

    def weighted(self, photos=None, iterations=None):
        """Class weights, on as many photos as are asked for."""
        ann_file = f'{self.lists}/train_{photos or self.photos}.txt'
        options = {'train_dataloader.dataset.ann_file': ann_file, **self.weights}
        return self._method(iterations, options)

    def sampled(self):
        """Class weights and rare class sampling."""
        dataset = dict(
            _delete_=True,
            type='mmseg_ganaug.RareClassSamplingDataset',
            dataset=self.real,
            cache_dir=self.cache_dir,
        )
        return self._method(None, {'train_dataloader.dataset': dataset, **self.weights})

    def mixed(
        self,
        recomposer,
        generator=None,
        iterations=None,
        fraction=0.5,
        fade=(),
        **options,
    ):
        """Class weights; a part of each batch is drawn from 400 generated pairs."""
        generated = dict(
            type='mmseg_ganaug.GANRecomposeDataset',
            source=self.real,
            recomposer=recomposer,
            generator=generator,
            num_samples=400,
            cache_dir=self.cache_dir,
            **options,
        )
        changes = {
            'train_dataloader.dataset': dict(
                _delete_=True, type='ConcatDataset', datasets=[self.real, generated]
            ),
            'train_dataloader.sampler': dict(
                type='mmseg_ganaug.InfiniteRatioSampler',
                generated_fraction=fraction,
                _delete_=True,
            ),
            **self.weights,
        }
        if fade:
            hook = dict(type='mmseg_ganaug.RatioScheduleHook', points=list(fade))
            changes['custom_hooks'] = [hook]
        return self._method(iterations, changes)

    def paper(self, painter):
        """The paper's three ways: layers of rare classes, photos of labels alone.

        Args:
            painter: Name of the painter's config, and of its folder of weights.
        """
        labels = dict(
            config=f'experiments/painter/{painter}.py',
            checkpoint=f'work_dirs/{painter}',
        )
        return {
            f'weights-{name}': self.mixed(
                dict(type=type_, classes='rare', target='sqrt'), labels
            )
            for name, type_ in (
                ('add-single', 'AddSingle'),
                ('add-multi', 'AddMulti'),
                ('recon', 'Recon'),
            )
        }
