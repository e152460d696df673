"""Plans recombinations of whole objects: which, onto which map, and at what place."""

from typing import List, Optional, Sequence, Tuple

import numpy as np

from mmseg_ganaug.recompose.draws import MapGroup
from mmseg_ganaug.recompose.object_layers import (
    ObjectLayers,
    covered,
    mirrored,
    move_boxes,
)
from mmseg_ganaug.recompose.object_options import ObjectOptions
from mmseg_ganaug.recompose.object_scene import Scene
from mmseg_ganaug.recompose.objects import SMALLEST
from mmseg_ganaug.recompose.planner import pixel_gains
from mmseg_ganaug.recompose.statistics import LabelStatistics

# Bases tried where nothing fits, each time with half the plausibility asked for.
_ATTEMPTS = 10
# Rounds a plan is made in, at most, and recombinations in one at least: after each, the
# shares reached are looked at.
_ROUNDS = 40
_A_ROUND = 32
# A group of objects is whole where so much of its box is inside the map.
_WHOLE = 0.95
# Groups laid on one map overlap by this share of the smaller box at most.
_OVERLAP = 0.2


class ObjectPlanner:
    """Lays groups of objects on maps, at places like those of the real maps.

    A group keeps its own place where that fits into the map; else it is mirrored and
    moved within the ranges, and takes the size that its class has at the new row.

    Args:
        statistics: Of the source.
        scene: What stands where in it.
        maps: Groups of maps of one size.
        weights: float64 [C], how often each class is asked for.
        options: How they are laid.
        one_class: All groups on a map are of one class.
        allowed: bool [N], the maps that can be bases.
        pixels: [N, C], pixels of each class in a map on which objects are laid.

    Raises:
        ValueError: If no group of the classes that are asked for can be moved.
    """

    def __init__(
        self,
        statistics: LabelStatistics,
        scene: Scene,
        maps: Sequence[MapGroup],
        weights: np.ndarray,
        options: ObjectOptions,
        one_class: bool,
        allowed: np.ndarray,
        pixels: np.ndarray,
    ) -> None:
        self._statistics = statistics
        self._scene = scene
        self._num_classes = statistics.num_classes
        self._maps = maps
        self._options = options
        self._one_class = one_class
        self._ranges = options.ranges()
        self._moves = 1 if self._ranges.keep_all else 2
        self._guarded = options.guarded(statistics)
        #: Which of the groups of maps each map is in: int64 [N].
        self._map_group = np.zeros(statistics.num_maps, np.int64)
        for number, group in enumerate(maps):
            self._map_group[group.members] = number
        area = statistics.sizes.prod(axis=1)[:, None]
        self._share, self._base_share = statistics.pixels / area, pixels / area
        # For each group of maps and class: the groups of objects that show it.
        self._donors = [
            [
                np.flatnonzero((areas > 0) & np.isin(scene.maps, group.members))
                for areas in scene.areas.T
            ]
            for group in maps
        ]
        has = np.any([[len(d) > 0 for d in donors] for donors in self._donors], axis=0)
        weights = np.where(has, weights, 0)
        if not weights.any():
            names = [
                name
                for name, thing in zip(statistics.class_names, scene.things)
                if thing
            ]
            raise ValueError(
                'objects=...: only countable things are moved, and no map that can be '
                'combined shows one of the classes that are asked for. Taken for '
                f'things: {", ".join(names) or "no class"}; name them by things=[...], '
                'ask for other classes, or lower min_area. Objects of fewer than '
                f'{SMALLEST} pixels are never moved: where all are so small, leave '
                'objects out'
            )
        self.weights = weights / weights.sum()
        # Where maps have several sizes, those of one may show nothing to lay on them.
        giving = [
            group.members
            for group, donors in zip(maps, self._donors)
            if any(len(donors[c]) for c in np.flatnonzero(weights))
        ]
        members = np.concatenate(giving)
        self._bases_allowed = members[allowed[members]]
        if not len(self._bases_allowed):
            raise ValueError(
                'objects=...: no map can be a base: under Recon, the classes of the '
                'background must cover min_background of one. Lower min_background or '
                'background_share, or add maps'
            )
        self._uses = np.zeros(len(scene.maps), np.int64)
        # What a group that shows a class adds of each class, in the mean: [C, C].
        self._adds = np.array(
            [
                scene.areas[areas > 0].mean(axis=0)
                if areas.any()
                else np.zeros(statistics.num_classes)
                for areas in scene.areas.T
            ]
        )

    def plan(
        self,
        rng: np.random.Generator,
        num_samples: int,
        shares: Optional[np.ndarray],
        choices: int,
        even_bases: bool,
    ) -> ObjectLayers:
        """Plans recombinations.

        Args:
            rng: Random numbers.
            num_samples: Recombinations wanted.
            shares: float64 [C], the class shares to reach; None = by the weights.
            choices: With shares, candidates among which each is chosen: by what it
                gains, times how plausible its places are.
            even_bases: All candidates of a sample stand on one map, drawn evenly.
        """
        totals = self._statistics.pixels.sum(axis=0).astype(np.float64)
        area = self._statistics.sizes.prod(axis=1)
        parts = []
        count = max(min(_ROUNDS, num_samples // _A_ROUND), 1)
        rounds = np.array_split(np.arange(num_samples), count)
        for part in rounds:
            if not len(part):
                break
            gains = None if shares is None else pixel_gains(shares, totals)
            made = self._round(rng, len(part), gains, choices, even_bases)
            totals += (self.pixels(made) * area[made.bases, None]).sum(axis=0)
            np.add.at(self._uses, made.groups[made.groups >= 0], 1)
            parts.append(made)
        return ObjectLayers.join(parts) if parts else ObjectLayers.empty()

    def _round(
        self,
        rng: np.random.Generator,
        count: int,
        gains: Optional[np.ndarray],
        choices: int,
        even_bases: bool,
    ) -> ObjectLayers:
        """Plans some recombinations; where nothing fits, other bases are tried.

        Args:
            rng: Random numbers.
            count: Recombinations wanted.
            gains: float64 [C], gain of a pixel of each class; None = no target.
            choices: Candidates for each, with gains.
            even_bases: See :meth:`plan`.

        Raises:
            ValueError: If no place is found.
        """
        weights, choices = self.weights, choices if gains is not None else 1
        if gains is not None:
            weights = np.maximum(self._adds @ gains, 0)
            weights = np.where(self.weights > 0, weights + 1e-6 * weights.max(), 0)
            weights = weights / weights.sum() if weights.any() else self.weights
        found: List[ObjectLayers] = []
        least = self._options.min_plausibility
        for _ in range(_ATTEMPTS):
            if not count:
                break
            bases = self._bases(rng, count, choices, even_bases)
            made = self._lay(rng, weights, bases, least)
            best = np.arange(count) * choices
            best += self._value(made, gains).reshape(count, choices).argmax(axis=1)
            made = made[best]
            found.append(made[(made.groups >= 0).any(axis=1)])
            count -= len(found[-1].bases)
            least /= 2
        if count:
            raise ValueError(
                'objects=...: no place was found for an object of the classes that are '
                'asked for: lower min_plausibility, raise max_hidden, or name more '
                'classes'
            )
        return ObjectLayers.join(found)

    def _value(self, made: ObjectLayers, gains: Optional[np.ndarray]) -> np.ndarray:
        """Values candidates by what they gain, and how plausible they are: [n]."""
        laid = made.groups >= 0
        value = np.ones(len(made.bases))
        if gains is not None:
            area = self._statistics.sizes[made.bases].prod(axis=1)
            value = (self.pixels(made) * area[:, None]) @ gains
            plain = np.where(laid, made.plausibility, 0).sum(axis=1)
            plain /= np.maximum(laid.sum(axis=1), 1)
            value *= np.where(value > 0, plain, 2 - plain)
        return np.where(laid.any(axis=1), value, -np.inf)

    def _bases(
        self,
        rng: np.random.Generator,
        count: int,
        choices: int = 1,
        even: bool = True,
    ) -> np.ndarray:
        if even:
            return np.repeat(rng.choice(self._bases_allowed, size=count), choices)
        return rng.choice(self._bases_allowed, size=count * choices)

    def _lay(
        self,
        rng: np.random.Generator,
        weights: np.ndarray,
        bases: np.ndarray,
        min_plausibility: float,
    ) -> ObjectLayers:
        """Draws groups and places for bases (int64 [n])."""
        fewest, most = self._options.span()
        shape = (len(bases), most)
        wanted = rng.integers(fewest, most + 1, size=len(bases))
        classes = rng.choice(len(weights), size=shape, p=weights)
        if self._one_class:
            classes = np.repeat(classes[:, :1], most, axis=1)
        groups = np.full(shape, -1, np.int64)
        moves = np.tile([0.0, 0.0, 0.0, 1.0], (*shape, 1))
        boxes = np.zeros((*shape, 4))
        plausible = np.zeros(shape)
        hidden = np.zeros((len(bases), self._num_classes))
        for layer in range(most):
            for attempt in range(self._options.max_tries * self._moves):
                rows = np.flatnonzero((groups[:, layer] < 0) & (layer < wanted))
                if not len(rows):
                    break
                if attempt % self._moves == 0:
                    drawn = np.full(len(bases), -1, np.int64)
                    drawn[rows] = self._draw_groups(
                        rng,
                        classes[rows, layer],
                        self._map_group[bases[rows]],
                        bases[rows],
                    )
                rows = rows[drawn[rows] >= 0]
                move, placed = self._move(rng, drawn[rows], attempt % self._moves > 0)
                score = self._scene.plausibility(drawn[rows], bases[rows], placed)
                covers = self._covers(drawn[rows], bases[rows], placed, move[:, 3])
                free = self._is_free(placed, boxes[rows], groups[rows])
                fits = self._is_whole(drawn[rows], placed, move[:, 0])
                spared = (
                    hidden[rows] + covers
                    <= self._options.max_hidden * self._share[bases[rows]] + 1e-12
                )
                good = free & fits & (score >= min_plausibility)
                good &= (spared | ~self._guarded).all(axis=1)
                rows, kept = rows[good], np.flatnonzero(good)
                groups[rows, layer] = drawn[rows]
                moves[rows, layer] = move[kept]
                boxes[rows, layer] = placed[kept]
                plausible[rows, layer] = score[kept]
                hidden[rows] += covers[kept]
        # The nearer stands lower in the photo, and in front.
        order = np.argsort(
            np.where(groups >= 0, boxes[..., 2], np.inf), axis=1, kind='stable'
        )
        return ObjectLayers(
            bases,
            np.take_along_axis(classes, order, axis=1),
            np.take_along_axis(groups, order, axis=1),
            np.take_along_axis(moves, order[..., None], axis=1),
            np.take_along_axis(plausible, order, axis=1),
        )

    def _draw_groups(
        self,
        rng: np.random.Generator,
        classes: np.ndarray,
        members: np.ndarray,
        bases: np.ndarray,
    ) -> np.ndarray:
        """Draws a group of each class from other maps than the bases: [n]; -1 = none.

        Of two that are drawn, the one is taken that has been used less.
        """
        drawn = np.full(len(classes), -1, np.int64)
        for number, donors in enumerate(self._donors):
            for class_id in np.unique(classes[members == number]).tolist():
                known = donors[class_id]
                rows = np.flatnonzero((members == number) & (classes == class_id))
                if not len(known):
                    continue
                two = known[rng.integers(len(known), size=(len(rows), 2))]
                uses = self._uses[two] + (
                    self._scene.maps[two] == bases[rows, None]
                ) * (1 << 40)
                chosen = two[np.arange(len(rows)), uses.argmin(axis=1)]
                own = self._scene.maps[chosen] == bases[rows]
                drawn[rows] = np.where(own, -1, chosen)
        return drawn

    def _move(
        self, rng: np.random.Generator, groups: np.ndarray, moved: bool
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Draws moves of groups, float64 [n, 4], and where they lead: boxes [n, 4]."""
        count = len(groups)
        moves = np.tile([0.0, 0.0, 0.0, 1.0], (count, 1))
        boxes = self._scene.boxes[groups]
        if moved:
            moves[:, 0] = rng.random(count) < self._ranges.flip_prob
            moves[:, 1:3] = rng.uniform(-1, 1, (count, 2)) * self._ranges.shift_range
            bottoms = boxes[:, 2] + moves[:, 1]
            moves[:, 3] = self._scene.perspective(groups, bottoms)
            moves[:, 3] *= rng.uniform(*self._ranges.scale_range, size=count)
        return moves, move_boxes(boxes, moves)

    def _covers(
        self,
        groups: np.ndarray,
        bases: np.ndarray,
        boxes: np.ndarray,
        scales: np.ndarray,
    ) -> np.ndarray:
        """Estimates what groups hide: float64 [n, C], shares of the map."""
        area = self._scene.areas[groups].sum(axis=1) * scales**2
        beneath = covered(self._scene.thumbnails, self._num_classes, bases, boxes)
        return beneath * area[:, None]

    def _is_free(
        self, boxes: np.ndarray, others: np.ndarray, groups: np.ndarray
    ) -> np.ndarray:
        """Checks that boxes [n, 4] hardly overlap those laid before [n, k, 4]."""
        one = boxes[:, None]
        low = np.maximum(one[..., :2], others[..., :2])
        high = np.minimum(one[..., 2:], others[..., 2:])
        common = np.maximum(high - low, 0).prod(axis=-1)
        smaller = np.minimum(
            (one[..., 2:] - one[..., :2]).prod(axis=-1),
            (others[..., 2:] - others[..., :2]).prod(axis=-1),
        )
        return ((common <= _OVERLAP * smaller) | (groups < 0)).all(axis=1)

    def _is_whole(
        self, groups: np.ndarray, boxes: np.ndarray, flips: np.ndarray
    ) -> np.ndarray:
        """Checks that nothing is cut off, but what is at the edge of its own map.

        What the edge of its own map cuts has to end at the same edge.
        """
        own = self._scene.boxes[groups]
        flipped = flips[:, None] > 0
        own = np.where(flipped, mirrored(own), own)
        edge = np.array([0.0, 0.0, 1.0, 1.0])
        cut = np.abs(own - edge) < 1e-6
        beyond = np.where(edge > 0, boxes > 1 - 1e-6, boxes < 1e-6)
        inside = np.clip(boxes, 0, 1)
        size = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        seen = (inside[:, 2:] - inside[:, :2]).clip(0).prod(axis=1)
        whole = (seen >= _WHOLE * size) | cut.any(axis=1)
        return whole & (beyond | ~cut).all(axis=1) & (seen >= 0.5 * size)

    def pixels(self, layers: ObjectLayers) -> np.ndarray:
        """Estimates the share of each class in the new maps: float64 [n, C]."""
        content = self._base_share[layers.bases].copy()
        for layer in range(layers.groups.shape[1]):
            rows = np.flatnonzero(layers.groups[:, layer] >= 0)
            groups, moves = layers.groups[rows, layer], layers.moves[rows, layer]
            boxes = move_boxes(self._scene.boxes[groups], moves)
            hides = self._covers(groups, layers.bases[rows], boxes, moves[:, 3])
            content[rows] = np.maximum(content[rows] - hides, 0)
            content[rows] += self._scene.areas[groups] * moves[:, 3:] ** 2
        return content
