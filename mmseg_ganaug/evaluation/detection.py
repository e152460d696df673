"""An adversarial check: can a network tell windows that were made from real ones?"""

from typing import Tuple

import numpy as np
import torch
from torch import nn

_BATCH = 24
_WIDTHS = (24, 48, 64, 64)


def detect(
    train: Tuple[np.ndarray, np.ndarray],
    test: Tuple[np.ndarray, np.ndarray],
    seed: int = 0,
    iterations: int = 400,
    blind: bool = False,
) -> np.ndarray:
    """Trains a small network to tell two kinds of windows, and tries it on others.

    It learns from the same numbers of both kinds: where these are of the same objects,
    what they show says nothing.

    Args:
        train: Windows that were made, and real ones: uint8 [N, h, w, 4] each, photo
            and mask.
        test: The same of other photos: [M, h, w, 4].
        seed: Of the network and its training.
        iterations: Batches of 48 windows.
        blind: Whether it sees the masks alone: what place and size give away.

    Returns:
        Bool [2, M]: whether each window that was made, and each real one, was
        recognised. Half of them are by chance.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    layers, inputs = [], 4
    for outputs in _WIDTHS:
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs)]
        layers += [nn.ReLU()]
        inputs = outputs
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3)]
    network = nn.Sequential(*layers, nn.Linear(inputs, 1))
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3, weight_decay=0.05)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, iterations)

    def batch(windows: np.ndarray, flips: np.ndarray) -> torch.Tensor:
        windows = np.where(flips[:, None, None, None], windows[:, :, ::-1], windows)
        made = torch.from_numpy(windows.transpose(0, 3, 1, 2) / np.float32(127.5) - 1)
        if blind:
            made[:, :3] = 0
        return made

    answers = torch.cat([torch.zeros(_BATCH), torch.ones(_BATCH)])
    for _ in range(iterations):
        numbers = rng.integers(len(train[0]), size=_BATCH)
        flips = rng.random(_BATCH) < 0.5
        both = torch.cat([batch(windows[numbers], flips) for windows in train])
        scores = network(both)[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(scores, answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plan.step()
    network.eval()
    found = []
    with torch.inference_mode():
        for answer, windows in enumerate(test):
            scores = [
                network(batch(part, np.zeros(len(part), bool)))[:, 0]
                for part in np.array_split(windows, len(windows) // 50 + 1)
            ]
            found.append((torch.cat(scores) > 0).numpy() == bool(answer))
    return np.stack(found)
