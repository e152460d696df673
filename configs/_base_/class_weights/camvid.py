# Weights of CamVid's classes in a loss, from their frequencies in dev_train.
# Median frequency over frequency.
class_weight_median = [0.34, 0.19, 5.52, 0.18, 1.0, 0.66, 5.36, 2.04, 0.91, 6.56, 9.87]
# Its square root.
class_weight_sqrt = [0.58, 0.43, 2.35, 0.42, 1.0, 0.81, 2.31, 1.43, 0.95, 2.56, 3.14]
# The same for classes rarer than the median; of frequent ones, none is weighted down
# against another.
class_weight_rare = [1.0, 1.0, 2.35, 1.0, 1.0, 1.0, 2.31, 1.43, 1.0, 2.56, 3.14]
