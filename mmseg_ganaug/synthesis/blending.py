"""Generated pixels blended into a real photo: their light, and their rim."""

import numpy as np

from mmseg_ganaug.recompose.layers import Tone, match_tone
from mmseg_ganaug.synthesis.windows import Painted


def blend(
    painted: Painted,
    photo: np.ndarray,
    real: np.ndarray,
    generated: np.ndarray,
    changed: np.ndarray,
    feather: int,
    tone: Tone,
) -> np.ndarray:
    """Blends a generated photo into a real one: uint8 BGR [H, W, 3].

    Args:
        painted: The generated photo.
        photo: uint8 BGR [H, W, 3], the real one.
        real: Bool [H, W], where both show the same labels, to compare their light.
        generated: Bool [H, W], where the generated photo is taken.
        changed: Bool [H, W], where the label map is not that of the real photo;
            generated pixels do not fade into what of this is not generated.
        feather: Width in pixels over which generated pixels fade into real ones.
        tone: Whether generated pixels take the light of the real photo; by 'gain', by
            multiplying alone.
    """
    if not painted.seen.any():
        return photo.copy()
    new = painted.photo
    if tone and not painted.in_light:
        new = _in_light_of(photo, real, painted, tone == 'gain')
    if generated.all():
        return new
    weight = _weight(generated, changed, feather) * painted.seen
    where = weight > 0
    weight, blended = weight[where][:, None], photo.copy()
    mixed = weight * new[where] + (1 - weight) * photo[where]
    blended[where] = np.round(mixed).astype(np.uint8)
    return blended


def _in_light_of(
    photo: np.ndarray, real: np.ndarray, painted: Painted, gain: bool
) -> np.ndarray:
    """Gives what is painted the light of a photo, by pixels that both show.

    Where windows show a part of the photo alone, that is the mean: around one object
    the spread says little, and matching it would make glaring objects beside even ones.
    """
    new, seen = painted.photo, painted.seen
    if seen.all():
        return match_tone(new, photo, real, gain=gain)
    matched = new.copy()
    matched[seen] = match_tone(
        new[seen][None], photo[seen][None], real[seen][None], spread=False, gain=gain
    )[0]
    return matched


def _weight(generated: np.ndarray, changed: np.ndarray, feather: int) -> np.ndarray:
    """Computes the weight of the generated photo, float32 [H, W], 0..1."""
    if not feather or not generated.any():
        return generated.astype(np.float32)
    import cv2

    distance = cv2.distanceTransform((~generated).view(np.uint8), cv2.DIST_L2, 3)
    weight = np.clip(1 - distance / (feather + 1), 0, 1)
    weight[changed & ~generated] = 0
    return weight
