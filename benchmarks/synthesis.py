"""Times of painting photos, as ratios to the straightforward way.

    python benchmarks/synthesis.py --generator global --size 1024 512

compares, at the size of the official generators and with random weights, the plain
model (one label map at a time, float32, ``no_grad``, contiguous) with the faster ways
of ``MMagicGenerator``, each from uint8 label maps to uint8 photos on the CPU. The ways
take turns, so that a busy machine disturbs all of them; a ratio is the median over the
rounds. Differences are those of the uint8 photos to the plain model's. On a GPU:

    python benchmarks/synthesis.py --device cuda --batch 1 4 8 --compile
"""

import argparse
import copy
import resource
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, List, Optional, Tuple

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from mmseg_ganaug.registry import MODELS
from mmseg_ganaug.synthesis.fast_network import make_fast

GENERATORS = {
    'global': dict(type='Pix2PixHDGlobalGenerator'),
    'enhancer': dict(type='Pix2PixHDLocalEnhancer'),
}
LABEL_ENCODER = dict(num_classes=35, ignore_channel=False, edges=True)
PRECISIONS = {
    'fp32': torch.float32,
    'bf16': torch.bfloat16,
    'fp16': torch.float16,
}
CLOCKS = {'wall': time.perf_counter, 'cpu': time.process_time}
# Side of a cell of the maps: so about a fifth of the 7 x 7 windows show several labels,
# as in Cityscapes at 1024 x 512 (20 percent in one of its maps).
_CELL = 64


@dataclass
class Way:
    """One way of painting, and what was measured of it."""

    name: str
    model: nn.Module
    batch: int
    context: Callable = torch.inference_mode
    seconds: List[float] = field(default_factory=list)
    peak: Optional[int] = None
    photos: Optional[np.ndarray] = None

    def paint(self, labels: np.ndarray, instances: np.ndarray) -> np.ndarray:
        """Paints uint8 [B, H, W] to uint8 [B, 3, H, W], ``batch`` at a time."""
        device = self.model.device
        parts = []
        with (
            self.context(),
            torch.backends.cudnn.flags(
                enabled=True, benchmark=False, deterministic=True
            ),
        ):
            for start in range(0, len(labels), self.batch):
                part = (
                    torch.from_numpy(maps[start : start + self.batch, None]).to(device)
                    for maps in (labels, instances)
                )
                parts.append(self.model.paint(*part).cpu().numpy())
        return np.concatenate(parts)

    def weigh(self) -> int:
        """Returns the bytes of the weights."""
        tensors = (*self.model.parameters(), *self.model.buffers())
        return sum(tensor.nbytes for tensor in tensors)


def make_model(generator: str, device: str) -> nn.Module:
    """Builds a generator of official size with random weights."""
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type='Pix2PixHD',
            label_encoder=LABEL_ENCODER,
            generator=dict(GENERATORS[generator], init_cfg=None),
        )
    )
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(layer.weight, std=0.02)
    return model.to(device).eval()


def make_maps(number: int, size: Tuple[int, int]) -> Tuple[np.ndarray, np.ndarray]:
    """Makes label maps and instance maps of cells, [number, H, W]."""
    rng = np.random.default_rng(0)
    width, height = size
    cells = (number, -(-height // _CELL), -(-width // _CELL))
    labels = rng.integers(35, size=cells, dtype=np.uint8)
    labels = labels.repeat(_CELL, axis=1).repeat(_CELL, axis=2)[:, :height, :width]
    return labels, labels.astype(np.int32) * 1000


def count_flops(generator: str, size: Tuple[int, int]) -> int:
    """Counts the floating-point operations of one photo."""
    with torch.device('meta'):
        network = MODELS.build(
            dict(GENERATORS[generator], in_channels=36, init_cfg=None)
        )
        inputs = torch.empty(1, 36, size[1], size[0])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(inputs)
    return counter.get_total_flops()


def make_ways(args: argparse.Namespace) -> List[Way]:
    """Builds the ways of painting, the plain one first."""
    model = make_model(args.generator, args.device)
    ways = [Way('plain', model, 1, torch.no_grad)]
    for precision in args.precision:
        dtype = PRECISIONS[precision]
        for compiled in (False, True)[: 1 + args.compile]:
            fast = make_fast(copy.deepcopy(model), dtype, compile_network=compiled)
            for batch in args.batch:
                name = f'{precision}{", compiled" * compiled}, batch {batch}'
                ways.append(Way(name, fast, batch))
    return ways


def run(
    way: Way,
    labels: np.ndarray,
    instances: np.ndarray,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Paints all maps; returns the seconds for each photo."""
    start = clock()
    way.photos = way.paint(labels, instances)
    return (clock() - start) / len(labels)


def measure_peak(way: Way, work: Callable[[], object]) -> Optional[int]:
    """Measures the peak bytes of the weights and one batch."""
    if way.model.device.type == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        return way.weigh() + torch.cuda.max_memory_allocated() - before
    try:
        # Linux: forgets the process's peak so far.
        Path('/proc/self/clear_refs').write_text('5')
    except OSError:
        work()
        return None
    before = _status('VmRSS')
    work()
    return way.weigh() + _status('VmHWM') - before


def _status(key: str) -> int:
    lines = Path('/proc/self/status').read_text().splitlines()
    return 1024 * next(int(x.split()[1]) for x in lines if x.startswith(f'{key}:'))


def differences(photos: np.ndarray, plain: np.ndarray) -> str:
    """Returns largest and mean difference in grey levels, and the PSNR in dB."""
    error = np.abs(photos.astype(np.int16) - plain)
    square = float((error.astype(np.float64) ** 2).mean())
    psnr = f'{10 * np.log10(255**2 / square):7.1f}' if square else '   same'
    return f'{error.max():4d} {error.mean():7.3f} {psnr}'


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--device', default='cpu')
    parser.add_argument('--generator', choices=list(GENERATORS), default='global')
    parser.add_argument('--size', type=int, nargs=2, default=(1024, 512))
    parser.add_argument('--batch', type=int, nargs='+', default=[1])
    parser.add_argument(
        '--precision', choices=list(PRECISIONS), nargs='+', default=['fp32', 'bf16']
    )
    parser.add_argument('--compile', action='store_true', help='torch.compile too')
    parser.add_argument(
        '--clock',
        choices=list(CLOCKS),
        default='wall',
        help='cpu: seconds of the processor, for one thread on a busy machine',
    )
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument(
        '--peak-tflops',
        type=float,
        default=989,
        help='bf16 peak of the GPU; 989 is that of an H100 SXM',
    )
    args = parser.parse_args()
    labels, instances = make_maps(max(args.batch), args.size)
    ways = make_ways(args)
    for way in ways:
        run(way, labels, instances)  # warms up, and compiles
        one = labels[: way.batch], instances[: way.batch]
        way.peak = measure_peak(way, lambda way=way, one=one: way.paint(*one))
    for _ in range(args.rounds):
        for way in ways:
            way.seconds.append(run(way, labels, instances, CLOCKS[args.clock]))
    plain, flops = ways[0], count_flops(args.generator, args.size)
    on_gpu = args.device.startswith('cuda')
    where = torch.cuda.get_device_name(args.device) if on_gpu else 'CPU'
    print(
        f'{args.generator} generator, {args.size[0]} x {args.size[1]}, '
        f'{flops / 1e12:.3f} TFLOP a photo, {where}, torch {torch.__version__}, '
        f'{torch.get_num_threads()} threads, {args.rounds} rounds, '
        f'{args.clock} time'
    )
    print(
        f'{"way":24s} {"s/photo":>8s} {"fastest":>8s} {"ratio":>6s} '
        f'{"max":>4s} {"mean":>7s} {"PSNR dB":>7s} {"peak GB":>7s} {"TFLOP/s":>7s}'
        + f' {"of peak":>7s}'
        * on_gpu
    )
    for way in ways:
        pairs = zip(plain.seconds, way.seconds)
        ratio = statistics.median(slow / fast for slow, fast in pairs)
        rate = flops / 1e12 / statistics.median(way.seconds)
        peak = '      -' if way.peak is None else f'{way.peak / 1e9:7.2f}'
        print(
            f'{way.name:24s} {statistics.median(way.seconds):8.4f} '
            f'{min(way.seconds):8.4f} {ratio:6.2f} '
            f'{differences(way.photos, plain.photos)} {peak} {rate:7.2f}'
            + f' {rate / args.peak_tflops:7.1%}'
            * on_gpu
        )
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f'whole process, all models loaded: {peak / 1e9:.2f} GB')


if __name__ == '__main__':
    main()
