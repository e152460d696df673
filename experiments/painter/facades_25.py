# The painter of holes that the ladder of facades takes: from the same 25 photos.
_base_ = './idd_lite.py'
model = dict(label_encoder=dict(num_classes=12))
train_dataloader = dict(
    dataset=dict(
        source=dict(
            data_prefix=dict(
                img_path='facades/images/train',
                seg_map_path='facades/annotations/train',
            ),
            ann_file='facades_splits/train_25.txt',
            metainfo=dict(
                classes=(
                    *('background', 'facade', 'window', 'door', 'cornice', 'sill'),
                    *('balcony', 'blind', 'deco', 'molding', 'pillar', 'shop'),
                ),
                palette=[
                    *([0, 0, 170], [0, 0, 255], [0, 85, 255], [0, 170, 255]),
                    *([0, 255, 255], [85, 255, 170], [170, 255, 85]),
                    *([255, 255, 0], [255, 170, 0], [255, 85, 0], [255, 0, 0]),
                    [170, 0, 0],
                ],
            ),
        )
    )
)
